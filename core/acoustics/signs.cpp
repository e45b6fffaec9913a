#include "core/acoustics/signs.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/json_value.h"
#include "core/printed.h"

namespace diffverb::acoustics {
namespace {

struct Name {
  const char* name;
  const char* unit;
  bool is_good = false, above = true;
};

Sign unknown(const Name& name, double limit, const std::string& why) {
  return {name.name, name.is_good, std::nullopt, std::nullopt, limit, name.unit, why, name.above};
}

Sign sign(const Name& name, double value, double limit, const std::string& why) {
  return {name.name, name.is_good, name.above ? value > limit : value <= limit, value, limit, name.unit,
          why,       name.above};
}

std::string in_ms(double seconds) { return printed("%.0f ms", 1000 * seconds); }
std::string in_hz(double hz) { return printed("%.0f Hz", hz); }

/// The rule of tail.h; the spread is named where it alone says so.
Sign metallic(const Tail& tail) {
  const Name isolated{"metallic", "%"}, spread{"metallic", "dB"};
  if (!tail.spectrum) return unknown(isolated, kMetallicPct, kNoLatePart);
  const LateSpectrum& late = *tail.spectrum;
  Sign out = late.isolated_pct < kMetallicPct && tail.metallic
                 ? sign(spread, late.spread_db, kMetallicSpreadDb,
                        "the late spectrum scatters by that much about its neighbours; diffuse sound by 5.6 dB")
                 : sign(isolated, late.isolated_pct, kMetallicPct,
                        "of the late bins stand 12 dB above their neighbours, the highest " +
                            printed("%.1f dB at ", late.loudest_db) + in_hz(late.loudest_hz) + "; of noise 0.002 %");
  out.found = tail.metallic;
  return out;
}

Sign grainy(const Tail& tail) {
  const Name name{"grainy", "", false, false};
  if (!tail.echo_density) return unknown(name, kGrainyDensity, kNoLatePart);
  Sign out = sign(name, *tail.echo_density, kGrainyDensity, "late echo density; of noise 1");
  out.found = tail.grainy;
  return out;
}

Sign periodic(const std::optional<Periodicity>& found) {
  const Name name{"periodic", ""};
  if (!found) return unknown(name, kPeriodic, "the late part is shorter than " + in_ms(kShortestPeriodicSeconds));
  const auto judged = [&](const Repetition& one, double limit, const char* what) {
    return sign(name, one.peak, std::max(limit, kPeriodicOverNoise * one.noise_peak),
                what + in_ms(one.period_s) + "; noise of this length reaches " + printed("%.2f", one.noise_peak));
  };
  const Sign fine = judged(found->fine, kPeriodic, "the late sound repeats itself after "),
             envelope = judged(found->envelope, 0, "the late energy repeats itself after ");
  return fine.value.value() / fine.limit >= envelope.value.value() / envelope.limit ? fine : envelope;
}

Sign muddy(const BandBalance& balance) {
  const Name name{"muddy", "dB"};
  if (!balance.low_mid_db) return unknown(name, kMuddyDb, kNoLatePart);
  return sign(name, *balance.low_mid_db, kMuddyDb, "late energy a hertz, 125 to 500 Hz over 500 Hz to 2 kHz");
}

Sign band_prominent(const BandBalance& balance) {
  const Name level{"band_prominent", "dB"}, decay{"band_prominent", "times"};
  if (!balance.loudest && !balance.longest) return unknown(level, kProminentDb, kNoLatePart);
  std::optional<Sign> loudest, longest;
  if (balance.loudest) {
    loudest = sign(level, balance.loudest->value, kProminentDb + kProminentNoise * balance.loudest->noise,
                   "level of the third octave at " + in_hz(balance.loudest->hz) + " over its neighbours', late");
  }
  if (balance.longest) {
    longest = sign(decay, balance.longest->value, kProminentRatio,
                   "decay time of the third octave at " + in_hz(balance.longest->hz) + " over its neighbours'");
  }
  if (!loudest || !longest) return loudest ? *loudest : *longest;
  return *loudest->value / loudest->limit >= *longest->value / longest->limit ? *loudest : *longest;
}

Sign ringing(const std::optional<Ringing>& found) {
  const Name name{"ringing", "times"};
  if (!found) {
    return unknown(name, kRingingRatio,
                   "no octave decays for " + in_ms(kShortestRingingSeconds) + " behind the first 80 ms");
  }
  Sign out = sign(name, found->ratio(), kRingingRatio,
                  "decay time of the mode at " + in_hz(found->hz) + " over its neighbours', " +
                      printed("%.1f dB above them at the end", found->above_db) +
                      (found->alone ? "" : "; it counts from " + printed("%.0f dB on", kAloneDb)));
  out.found = found->alone && *out.found;
  return out;
}

Sign no_echo(const Tail& tail) {
  const Name name{"no_echo", "", true};
  if (!tail.echo_density) return unknown(name, kGrainyDensity, kNoLatePart);
  return sign(name, *tail.echo_density, kGrainyDensity, "late echo density; of noise 1");
}

Sign of_ratio(const Name& name, const std::optional<double>& ratio, double limit, const char* bands) {
  if (!ratio) return unknown(name, limit, std::string("no decay time in one of the octaves ") + bands);
  return sign(name, *ratio, limit, std::string("decay times, octaves ") + bands);
}

Sign keeps_stereo(const std::optional<double>& iacc) {
  const Name name{"keeps_stereo", "", true, false};
  if (!iacc) return unknown(name, kStereoIacc, "one channel, or more than two");
  return sign(name, *iacc, kStereoIacc, "late IACC (L3): 1 where both channels are one");
}

Sign energy_evens_out(const std::optional<Evenness>& evenness) {
  const Name name{"energy_evens_out", "bits", true};
  if (!evenness) return unknown(name, kUnevenBits, kNoLatePart);
  return sign(name, evenness->late_bits, kUnevenBits,
              "late entropy of the energy over that of noise, " + printed("%+.1f bits", evenness->rise_bits()) +
                  " since the onset");
}

}  // namespace

double Sign::badness() const {
  if (!value) return -HUGE_VAL;
  const double beyond = above == is_good ? limit - *value : *value - limit;
  return found == is_good ? std::min(beyond, 0.0) : beyond;
}

Character characterize(std::span<const double> channel, const ChannelResult& result,
                       const std::optional<double>& iacc_late) {
  const LatePart late = late_part(channel, result);
  const auto response = channel.subspan(result.extent.onset);
  // Up to where the late part ends: what follows is noise.
  const std::size_t end =
      late.samples.empty() ? 0 : static_cast<std::size_t>(late.samples.data() + late.samples.size() - response.data());
  Character out;
  out.tail = measure_tail(response.first(end), result.rate_hz, result.density);
  out.periodicity = measure_periodicity(late);
  out.ringing = measure_ringing(channel, result);
  out.balance = measure_band_balance(result, late);
  out.evenness = measure_evenness(response, late.samples, result.rate_hz);
  out.iacc_late = iacc_late;
  return out;
}

std::vector<Sign> find_signs(const Character& c) {
  return {metallic(c.tail),
          grainy(c.tail),
          periodic(c.periodicity),
          muddy(c.balance),
          band_prominent(c.balance),
          ringing(c.ringing),
          no_echo(c.tail),
          of_ratio({"lows_extend", "", true}, c.balance.bass_ratio, kBassRatio, "125 and 250 Hz over 500 Hz and 1 kHz"),
          of_ratio({"highs_soft", "", true, false}, c.balance.treble_ratio, kTrebleRatio,
                   "2 and 4 kHz over 500 Hz and 1 kHz"),
          keeps_stereo(c.iacc_late),
          energy_evens_out(c.evenness)};
}

nlohmann::json to_json(const std::vector<Sign>& signs) {
  nlohmann::json out = nlohmann::json::array();
  for (const Sign& one : signs) {
    out.push_back({{"sign", one.name},
                   {"kind", one.is_good ? "good" : "bad"},
                   {"found", one.found ? nlohmann::json(*one.found) : nlohmann::json(nullptr)},
                   {"value", json_value(one.value)},
                   {"limit", one.limit},
                   {"unit", one.unit},
                   {"why", one.why}});
  }
  return out;
}

}  // namespace diffverb::acoustics
