#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Rates of hosts that anything is played at.
constexpr double kLowestHostRate_hz = 8000, kHighestHostRate_hz = 384000;
/// Empty, or why a rate is none of them.
std::string check_host_rate(double rate_hz);

/// How a player changes what was fitted or trained. The neutral one, as it stands here, changes nothing.
struct Variation {
  double decay = 1;          ///< times every decay time, 0.1 .. 4
  double size = 1;           ///< times every delay (and distance), 0.5 .. 2; decay times stay
  double damping = 0;        ///< -1 .. 1: decay times above 2 kHz times 4^-damping, below 500 Hz as they were
  double early_late_db = 0;  ///< -24 .. 24: level of what comes after 80 ms against what comes before
  double modulation = 1;     ///< times the depth of what moves, 0 .. 2

  bool operator==(const Variation&) const = default;
};

/// A network at the host's rate and changed: its delays in seconds and the decay time of every loop by frequency stay what
/// they were (or become what the variation asks for); nothing is just played faster. Above the old rate's half nothing
/// sounds that was not there: an elliptic low-pass behind the network, and a band limit on everything that is convolved.
/// Takes tens of milliseconds; for a thread that is not the audio thread. Values beyond their ranges count as their ends.
///
/// delays         rounded to whole samples, at least one (three more than its depth where one moves)
/// decay, damping what the lines of a loop lose; what is convolved with is weighted by octaves. Loops that
///                only diffuse (variation/loop_rates.h) change where they would sound longer than the rest. Every allpass
///                network stays an allpass
/// size           delays; the responses that it convolves with, whose pitch goes down as they become longer
/// early_late_db  the network's own first 96 ms are made a part of what it convolves with, at rest; so are those of a
///                network that has no early part
/// modulation     depths of delays, turning angles and radii, moving gains; at 0 turning stands still
/// terms          their filters at the new rate; decay and size leave them as they are
/// nonlinear      its time and level stay in seconds and dB
///
/// At its own rate with the neutral variation a model is itself, bit for bit.
/// Where a loop would not be stable with all of it, decay, size and damping go as far from the neutral ones as it is, in
/// steps of a fifth of the way.
/// Returns  a checked model, or the reason why there is none (not stable at the rate, a rate beyond 8 .. 384 kHz, more to
///          convolve with than memory is for)
LoadResult vary_network(const Model& model, double rate_hz, const Variation& variation = {});

/// Responses at the host's rate and changed, to be convolved with there (so they are scaled by from_hz / rate_hz): decay
/// by octave bands, size by resampling, early against late with a crossfade around 80 ms after the onset. An octave that is
/// to decay more slowly goes on as noise where the measured noise comes near.
///
/// Keeps what no variation changes, from when it is first needed: the responses as they were given and at the host's rate,
/// and their octaves (two copies, 18 times the responses at most), and 5 MB of noise a response that decays on. Several
/// threads may ask one object at once.
class VariedResponses {
 public:
  /// Responses of one length at from_hz, 1000 .. 1e6; the host's rate_hz is 8000 .. 384000.
  VariedResponses(std::vector<std::vector<float>> channels, double from_hz, double rate_hz);
  ~VariedResponses();
  VariedResponses(VariedResponses&&) noexcept;
  VariedResponses& operator=(VariedResponses&&) noexcept;

  /// Why there is nothing to play: no samples, unequal lengths, a rate beyond its range. Empty where there is.
  const std::string& error() const { return error_; }

  /// The responses of a variation, values beyond their ranges counting as their ends; none where there is an error().
  std::vector<std::vector<float>> at(const Variation& variation) const;

 private:
  struct Kept;
  std::string error_;
  std::unique_ptr<Kept> kept_;
};

/// VariedResponses(channels, from_hz, rate_hz).at(variation), for one variation only.
std::vector<std::vector<float>> vary_response(const std::vector<std::vector<float>>& channels, double from_hz,
                                              double rate_hz, const Variation& variation = {});

}  // namespace diffverb::runtime
