#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/live/controls.h"
#include "runtime/live/source.h"

namespace diffverb::runtime {

/// What plays, for a user interface.
struct Playing {
  std::string kind, title;
  std::string path;  ///< as UTF-8; empty for what did not come from a file
  bool has_point = false, moves = false, is_built_in = true;
  double rate_hz = 0;
  int inputs = 0, outputs = 0;
  std::string problem;  ///< empty, or why the last setting could not be played: then the one before it goes on
};

/// What has passed since the last call, for meters.
struct Levels {
  float in_peak = 0, out_peak[2] = {0, 0};
  long long cleared = 0;  ///< input samples that were not finite or beyond 1e9, since prepare()
};

/// A reverb as a plug-in plays it: any file, one or two channels in and out, all controls, models exchanged while it plays.
///
///     dry -- distance: direct sound's gain, delay, high-frequency loss -------------------------- x (1 - mix) --+
///     in -- gain -- voice (crossfaded) -- freeze -- highpass -- lowpass -- pre-delay ------------ x mix --------- + -- out
///
/// Threads. process() is for one audio thread: noexcept, no allocation, no lock, no system call, any number of frames.
/// set(), get(), levels() may be called from any thread, at any time. prepare(), load() and what else is not marked are for
/// threads that may wait, one at a time. A worker that all reverbs of the process share, of some threads, makes voices for
/// settings that have changed and frees those that have rung out; it starts with the first prepare() and ends with the last
/// reverb. Only that last one waits for a voice that is being made, until its source finds that it was given up.
///
/// Latency is none. Controls are smoothed over 20 ms, from the next 32nd sample on. Where a voice follows another one, its
/// input comes in over 50 ms, while the old one's is faded out, by gains that keep the level for how alike the two are
/// (placed_voice.h); the old one's tail rings on until it is silent, at most 20 s, and is faded in 100 ms where three
/// further voices have followed it meanwhile.
class LiveReverb {
 public:
  LiveReverb();
  ~LiveReverb();
  LiveReverb(const LiveReverb&) = delete;
  LiveReverb& operator=(const LiveReverb&) = delete;

  /// Not while process() runs. rate 8 .. 384 kHz, 1 or 2 channels. Returns an empty string or why not. What was loaded
  /// stays loaded; tails are silenced and controls are where they were set.
  [[nodiscard]] std::string prepare(double rate_hz, int inputs, int outputs);

  /// Loads a file; returns an empty string or one line that says why not: then what plays goes on playing. The new sound
  /// comes in without a click.
  [[nodiscard]] std::string load(const std::filesystem::path& path);
  /// The same with what was loaded already; null for the built-in room.
  [[nodiscard]] std::string load(std::shared_ptr<const Source> source);
  /// Moves x, y and z to where what plays sounds most like a measured response: a WAV of one or two channels, at any rate.
  /// Returns an empty string or one line that says why not: then nothing is moved. A matter of a second.
  [[nodiscard]] std::string match(const std::filesystem::path& response);
  Playing playing() const;

  /// Clamped to the control's range; what is not a number is passed over.
  void set(Control control, double value) noexcept;
  double get(Control control) const noexcept;

  /// in [inputs][frames] -> out [outputs][frames]; an output may be the memory of an input. Does nothing until prepare().
  void process(const float* const* in, float* const* out, int frames) noexcept;
  /// Silences all tails; from the audio thread.
  void reset() noexcept;
  Levels levels() noexcept;

  /// Sees to it that what was loaded and set is what plays next; for tests and offline work. Makes voices itself.
  void settle();
  /// The wet impulse response at the present setting [outputs][samples], for display: an impulse at every input. Made anew
  /// on the calling thread; without freeze. Empty until prepare().
  std::vector<std::vector<float>> response(double seconds) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // a voice that is being made when this ends keeps it until then
};

}  // namespace diffverb::runtime
