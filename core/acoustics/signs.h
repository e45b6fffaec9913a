#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/acoustics/band_balance.h"
#include "core/acoustics/evenness.h"
#include "core/acoustics/periodicity.h"
#include "core/acoustics/ringing.h"
#include "core/acoustics/tail.h"

namespace diffverb::acoustics {

/// Everything that the signs are read from, of one channel.
struct Character {
  Tail tail;
  std::optional<Periodicity> periodicity;
  std::optional<Ringing> ringing;
  BandBalance balance;
  std::optional<Evenness> evenness;
  std::optional<double> iacc_late;  ///< of the channel and its partner; nothing for a channel alone
};

/// Reads    channel [T] linear amplitude; result: what analyze_channel said of it, with third octaves
Character characterize(std::span<const double> channel, const ChannelResult& result,
                       const std::optional<double>& iacc_late = std::nullopt);

/// Something that a listener would say of a reverb, and the number behind it.
struct Sign {
  std::string name;
  bool is_good = false;
  std::optional<bool> found;  ///< nothing where there is nothing to tell it from: `why` says what is missing
  std::optional<double> value;
  double limit = 0;
  std::string unit;
  std::string why;  ///< a sentence

  /// How far the value lies beyond its limit, on the side where a bad sign is found and a good one is not; at most 0
  /// where all is well.
  double badness() const;
  bool above = true;  ///< found where the value is above the limit; else where it is at most the limit
};

/// The bad signs (metallic, grainy, periodic, muddy, band_prominent, ringing), then the good ones (no_echo, lows_extend,
/// highs_soft, keeps_stereo, energy_evens_out), in this order.
///
/// Where the limits come from stands in experiments/evaluation/README.md, and how often measured rooms lie beyond them.
std::vector<Sign> find_signs(const Character& character);

/// Repetitions: fine ones above the larger of both, those of the envelope above the second.
inline constexpr double kPeriodic = 0.15, kPeriodicOverNoise = 1.5;
inline constexpr double kMuddyDb = 9;
/// Above its neighbours: kProminentDb and kProminentNoise times what noise scatters by, or kProminentRatio in decay time.
inline constexpr double kProminentDb = 5, kProminentNoise = 2.5, kProminentRatio = 2;
inline constexpr double kRingingRatio = 1.5;
inline constexpr double kBassRatio = 0.9, kTrebleRatio = 1.3;
inline constexpr double kStereoIacc = 0.5;
inline constexpr double kUnevenBits = -0.5;

/// [{"sign", "kind": "bad" or "good", "found", "value", "limit", "unit", "why"}]
nlohmann::json to_json(const std::vector<Sign>& signs);

}  // namespace diffverb::acoustics
