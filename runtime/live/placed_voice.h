#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/live/source.h"

namespace diffverb::runtime {

/// A voice between the host's one or two channels, with its place in a crossfade. A worker makes it; only the audio thread
/// plays it.
///
/// A voice of one input hears the mean of the host's channels; input i of more hears channel i, where there are no more
/// the channels again from the first on. Of its outputs the first two are heard: both sides hear a single one, and a host
/// of one channel hears the mean of both.
///
/// While one voice follows another, the sums of their gains' squares are 1 where their responses have nothing in common, and
/// the sum of their gains where they are the same: so the level of the whole stays. How alike they are is told by what
/// comes within 0.1 s of their first sound.
/// Source: Fink, Holters & Zoelzer, "Signal-matched power-complementary cross-fading and dry-wet mixing", DAFx 2016.
class PlacedVoice {
 public:
  static constexpr int kBlock = 256;

  /// Plays an impulse in the voice and resets it.
  PlacedVoice(std::unique_ptr<Voice> voice, double rate_hz, int host_inputs, int host_outputs);

  /// Adds to `out` what it makes of `in`; frames <= kBlock. `fade_in` [steps + 1] is the rising half of the crossfade, of
  /// which this voice's input has gone faded() steps.
  void add(const float* const* in, float* const* out, int frames, const std::vector<float>& fade_in) noexcept;

  void come_at_once(int steps) noexcept { faded_ = steps; }
  /// Comes as the other one leaves.
  void follow(PlacedVoice& other) noexcept;
  /// Its tail fades too, over as many samples.
  void drop(int samples) noexcept;
  bool is_dropping() const noexcept { return drop_samples_ > 0; }
  bool is_in(int steps) const noexcept { return faded_ == steps; }
  /// Nothing more comes: dropped, or silent for as many samples after it left, and for its longest gap.
  bool is_done(int silent_samples) const noexcept;
  /// Since its input fell silent.
  long long rung() const noexcept { return rung_; }
  void reset() noexcept { voice_->reset(); }

 private:
  void find_beginning(double rate_hz);
  /// From 0, nothing in common, to 1, the same.
  float likeness(const PlacedVoice& other) const noexcept;
  /// The gains of its input, and on in the crossfade.
  void fade(float* gains, int frames, const std::vector<float>& fade_in) noexcept;
  void hear(const float* const* in, int frames, const std::vector<float>& fade_in) noexcept;
  void follow_tail(int frames) noexcept;

  std::unique_ptr<Voice> voice_;
  int host_inputs_, host_outputs_;
  std::size_t heard_;             // of its outputs
  std::vector<float> beginning_;  // [blocks][heard][kBlock], from the first sound on
  std::size_t onset_ = 0;         // in beginning_'s values
  double energy_ = 0;             // of beginning_
  long long longest_gap_;
  float alike_ = 0;  // to the voice that it follows, or that follows it
  int faded_ = 0;
  bool is_leaving_ = false;
  int drop_samples_ = 0, dropped_ = 0;
  long long rung_ = 0, silent_ = 0;
  Floats memory_;
  std::vector<float*> in_, out_;
};

/// The voices of a reverb: one that plays, and those before it that ring on. take() and process() belong to the audio
/// thread, which neither makes nor frees a voice; offer(), collect() and clear() to whoever holds the reverb's lock.
class VoiceDeck {
 public:
  static constexpr int kPlaces = 4;

  ~VoiceDeck() { clear(); }
  /// Nothing plays then. Not while process() runs.
  void prepare(double rate_hz, int outputs);
  void clear() noexcept;

  /// What is to play next; of several that were not taken yet, the last one.
  void offer(std::unique_ptr<PlacedVoice> voice) noexcept;
  /// Frees what has rung out.
  void collect() noexcept;
  bool has_outgoing() const noexcept;
  /// Whether what was offered last was taken.
  bool is_taken() const noexcept { return incoming_.load(std::memory_order_acquire) == nullptr; }

  /// Writes out [outputs][frames]; frames <= PlacedVoice::kBlock.
  void process(const float* const* in, float* const* out, int frames) noexcept;
  void reset() noexcept;

 private:
  void take() noexcept;
  void give_back(PlacedVoice*& place) noexcept;

  std::atomic<PlacedVoice*> incoming_{nullptr};
  std::array<std::atomic<PlacedVoice*>, kPlaces> outgoing_{};
  std::array<PlacedVoice*, kPlaces> places_{};  // the newest first
  std::vector<float> fade_in_;                  // [steps + 1]
  int steps_ = 1, drop_samples_ = 1, silent_samples_ = 1, outputs_ = 0;
  long long longest_ring_ = 1;
};

}  // namespace diffverb::runtime
