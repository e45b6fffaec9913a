#include "tests/runtime/control_ends.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "runtime/live/live_reverb.h"
#include "runtime/variation/response_decay.h"
#include "tests/runtime/decay_measurement.h"

namespace diffverb::runtime::testing {
namespace {

constexpr double kReference_hz = 48000, kHighestBand = 0.4;  // of the rate
constexpr double kLongest_s = 8, kChunk_s = 0.25, kSilent_db = -60;
constexpr double kLeastTime_s = 0.2;  // shorter ones, times the size, are the diffusers' and count as this
constexpr double kMostError = 1.25, kMostLouder_db = 6, kMostLate_db = 1.5, kDecays_db = -10;
constexpr Control kShapes[] = {Control::kDecay, Control::kSize, Control::kDamping};

double half_way(const ControlInfo& c, double end) {
  return c.taper == Taper::kLogarithmic ? std::sqrt(c.initial * end) : 0.5 * (c.initial + end);
}

void add_ends(Control control, bool with_middles, std::vector<Asked>& asked) {
  const ControlInfo& c = info(control);
  for (const double end : {c.lowest, c.highest}) {
    if (end != c.initial) asked.push_back({{{control, end}}});
    if (end != c.initial && with_middles) asked.push_back({{{control, half_way(c, end)}}});
  }
}

/// Every corner of some controls.
void add_corners(const std::vector<Control>& of, std::vector<Asked>& asked) {
  for (std::size_t corner = 0; corner < std::size_t{1} << of.size(); ++corner) {
    Asked& one = asked.emplace_back();
    for (std::size_t i = 0; i < of.size(); ++i)
      one.values.emplace_back(of[i], corner >> i & 1 ? info(of[i]).highest : info(of[i]).lowest);
  }
}

/// Sums of `step` samples: a response at a lower rate, at the same |H|.
std::vector<float> thinned(const std::vector<float>& sound, std::size_t step) {
  std::vector<float> out(sound.size() / step, 0.0f);
  for (std::size_t n = 0; n < out.size() * step; ++n) out[n / step] += sound[n];
  return out;
}

/// The first sample within 40 dB of the largest.
std::size_t beginning_of(const std::vector<float>& sound) {
  float largest = 0;
  for (const float x : sound) largest = std::max(largest, std::abs(x));
  return static_cast<std::size_t>(
      std::find_if(sound.begin(), sound.end(), [&](float x) { return std::abs(x) >= 0.01f * largest; }) -
      sound.begin());
}

double energy(const std::vector<float>& sound, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t n = from; n < std::min(to, sound.size()); ++n) sum += static_cast<double>(sound[n]) * sound[n];
  return sum;
}

double decibels(double energies) { return 10 * std::log10(std::max(energies, 1e-30)); }

/// The left channel, until it has fallen by 60 dB; its fall.
std::vector<float> play_impulse(LiveReverb& reverb, double rate_hz, double longest_s, double& fall_db) {
  const auto chunk = static_cast<std::size_t>(kChunk_s * rate_hz);
  std::vector<float> impulse(chunk, 0.0f), right(chunk), left;
  impulse[0] = 1;
  double loudest = 0;
  for (int k = 0; k < static_cast<int>(std::ceil(longest_s / kChunk_s)); ++k) {
    left.resize(left.size() + chunk);
    const float* from[] = {impulse.data(), impulse.data()};
    float* to[] = {left.data() + left.size() - chunk, right.data()};
    reverb.process(from, to, static_cast<int>(chunk));
    impulse[0] = 0;
    const double now = energy(left, left.size() - chunk, left.size());
    loudest = std::max(loudest, now);
    fall_db = loudest > 0 ? decibels(now) - decibels(loudest) : kSilent_db;
    if (k > 1 && fall_db <= kSilent_db) break;
  }
  return left;
}

/// How much longer a frequency is to decay.
double factor_at(const Asked& asked, double hz) { return decay_factor(asked.variation(), hz); }

/// The same of an octave as it is measured: of parts that decay each by their own factor from one level on, the line through
/// the Schroeder integral from -5 to -25 dB. Damping turns within some octaves.
double factor_of(const Asked& asked, double centre_hz) {
  constexpr int kParts = 16, kTimes = 400;
  std::vector<double> factors;
  for (int k = 0; k < kParts; ++k) factors.push_back(factor_at(asked, centre_hz * std::exp2((k + 0.5) / kParts - 0.5)));
  const auto [least, most] = std::minmax_element(factors.begin(), factors.end());
  if (*most - *least < 1e-6 * *most) return *most;
  double all = 0, count = 0, t = 0, y = 0, tt = 0, ty = 0;
  for (const double factor : factors) all += factor;
  for (int n = 0; n < kTimes; ++n) {
    const double time = 0.5 * *most * n / kTimes;  // of decay times; 30 dB of the slowest part
    double left = 0;
    for (const double factor : factors) left += factor * std::pow(10, -6 * time / factor);
    const double db = decibels(left / all);
    if (db > -5 || db < -25) continue;
    count += 1, t += time, y += db, tt += time * time, ty += time * db;
  }
  return -60 * (count * tt - t * t) / (count * ty - t * y);
}

double longest_expected_s(const Heard& own, const Asked& asked) {
  double longest = 1;
  for (std::size_t k = 0; k < kDecayBands_hz.size(); ++k)
    longest = std::max(longest, own.t60_s[k].value_or(0) * factor_of(asked, kDecayBands_hz[k]));
  return longest;
}

/// What is asked but for what has a measure of its own.
Asked own_of(const Asked& asked) {
  Asked own = asked;
  std::erase_if(own.values, [](const auto& set) {
    return set.first == Control::kEarlyLate ||
           std::find(std::begin(kShapes), std::end(kShapes), set.first) != std::end(kShapes);
  });
  return own;
}

}  // namespace

double Asked::value(Control control) const {
  for (const auto& [set, to] : values) {
    if (set == control) return to;
  }
  return control == Control::kInputGain ? 0 : info(control).initial;
}

Variation Asked::variation() const {
  return {value(Control::kDecay), value(Control::kSize), value(Control::kDamping), value(Control::kEarlyLate),
          value(Control::kModulation)};
}

std::string Asked::text() const {
  std::string text;
  for (const auto& [control, value] : values) {
    char number[32];
    std::snprintf(number, sizeof number, " %.3g", value);
    text += (text.empty() ? "" : ", ") + std::string(info(control).id) + number;
  }
  return text.empty() ? "neutral" : text;
}

std::vector<Asked> asked_of_voices(const Source& source, Extent extent) {
  const bool with_middles = extent == Extent::kAll;
  std::vector<Asked> asked(1);
  for (const Control control : kShapes) add_ends(control, with_middles, asked);
  add_ends(Control::kEarlyLate, with_middles, asked);
  if (source.moves()) add_ends(Control::kModulation, with_middles, asked);
  if (source.has_point()) {
    for (const Control control : {Control::kX, Control::kY, Control::kZ, Control::kWidth})
      add_ends(control, with_middles, asked);
    if (extent == Extent::kAll) add_corners({Control::kX, Control::kY, Control::kZ}, asked);
  }
  if (extent == Extent::kEnds) return asked;
  add_corners({Control::kDecay, Control::kDamping}, asked);
  add_corners({Control::kDecay, Control::kSize}, asked);
  add_corners({Control::kSize, Control::kDamping}, asked);
  if (extent == Extent::kAll) add_corners({Control::kDecay, Control::kSize, Control::kDamping}, asked);
  return asked;
}

std::vector<Asked> asked_of_chain() {
  std::vector<Asked> asked;
  for (const Control control :
       {Control::kInputGain, Control::kPredelay, Control::kMix, Control::kDistance, Control::kFreeze})
    add_ends(control, false, asked);
  for (const auto& [is_on, hz] :
       {std::pair{Control::kLowpassOn, Control::kLowpass}, {Control::kHighpassOn, Control::kHighpass}}) {
    for (const double end : {info(hz).lowest, info(hz).highest}) asked.push_back({{{is_on, 1}, {hz, end}}});
  }
  return asked;
}

Heard hear(std::shared_ptr<const Source> source, const Asked& asked, double rate_hz, double longest_s) {
  LiveReverb reverb;
  Heard heard;
  reverb.set(Control::kInputGain, 0);
  for (const auto& [control, value] : asked.values) reverb.set(control, value);
  heard.problem = reverb.load(std::move(source));
  if (heard.problem.empty()) heard.problem = reverb.prepare(rate_hz, 2, 2);
  if (heard.problem.empty()) heard.problem = reverb.playing().problem;
  if (!heard.problem.empty()) return heard;
  std::vector<float> sound = play_impulse(reverb, rate_hz, std::min(longest_s, kLongest_s), heard.fall_db);
  heard.is_finite = std::all_of(sound.begin(), sound.end(), [](float x) { return std::isfinite(x); });
  if (!heard.is_finite) return heard;
  const auto step = static_cast<std::size_t>(std::max(1.0, std::round(rate_hz / kReference_hz)));
  if (step > 1) sound = thinned(sound, step);
  const double hz = rate_hz / static_cast<double>(step);
  const auto at = [hz](double seconds) { return static_cast<std::size_t>(seconds * hz); };
  for (std::size_t k = 0; k < heard.late_db.size(); ++k) {
    const std::size_t from = k == 0 ? 0 : beginning_of(sound);
    heard.late_db[k] =
        decibels(energy(sound, from + at(0.096), sound.size())) - decibels(energy(sound, from, from + at(0.064)));
  }
  const auto spectrum = spectrum_of(sound);
  for (std::size_t k = 0; k < kDecayBands_hz.size(); ++k) {
    if (kDecayBands_hz[k] > kHighestBand * hz) continue;
    if (const double t60_s = t60_of(spectrum, hz, kDecayBands_hz[k], -25); t60_s > 0) heard.t60_s[k] = t60_s;
  }
  for (std::size_t k = 0; k < kLevelBands_hz.size(); ++k) {
    const double centre = kLevelBands_hz[k];
    if (centre < kHighestBand * hz)
      heard.level_db[k] =
          band_level_db(spectrum, hz, centre / std::sqrt(2), std::min(centre * std::sqrt(2), kHighestBand * hz));
  }
  return heard;
}

std::optional<double> Cell::decay_error(std::size_t band) const {
  const auto now = heard.t60_s[band], before = own.t60_s[band];
  const bool has_other_measure = asked.value(Control::kEarlyLate) != 0 || asked.value(Control::kHighpassOn) != 0;
  const double least = kLeastTime_s * std::max(1.0, asked.value(Control::kSize));
  if (has_other_measure || !before || *before < least || !now) return {};
  const double wanted = *before * factor_of(asked, kDecayBands_hz[band]);
  if (wanted > kLongest_s / 0.75) return {};
  return std::max(*now, least) / std::max(wanted, least);
}

std::optional<double> Cell::decay_share(std::size_t band) const {
  const auto error = decay_error(band);
  const double way = std::log2(factor_of(asked, kDecayBands_hz[band]));
  if (!error || std::abs(way) < 1 / 3.0) return {};
  return 1 + std::log2(*error) / way;
}

double Cell::louder_db() const {
  double most = -300;
  const double size = asked.value(Control::kSize), late = std::max(0.0, asked.value(Control::kEarlyLate));
  for (std::size_t k = 0; k < kLevelBands_hz.size(); ++k) {
    if (!heard.level_db[k] || !own.level_db[k]) continue;
    // What is convolved with sounds lower in a larger room: it may take its neighbour's level along.
    const std::size_t there = size > 1 ? std::min(k + 1, kLevelBands_hz.size() - 1) : size < 1 && k > 0 ? k - 1 : k;
    const double before = std::max(*own.level_db[k], own.level_db[there].value_or(-300));
    // As many echoes more in a second as the room is smaller, each for as long as it decays.
    const double decays = std::max(0.0, 10 * std::log10(factor_at(asked, kLevelBands_hz[k]) / std::min(size, 1.0)));
    most = std::max(most, *heard.level_db[k] - before - decays - late);
  }
  return most;
}

double Cell::balance_error_db() const {
  constexpr double kNothing_db = -100;  // is late: there is no balance
  const double asked_db = asked.value(Control::kEarlyLate);
  double least = asked_db == 0 ? 0 : 300;
  for (std::size_t k = 0; k < own.late_db.size(); ++k)
    least = std::min(least, own.late_db[k] < kNothing_db ? 0 : std::abs(heard.late_db[k] - own.late_db[k] - asked_db));
  return least;
}

std::string Cell::fault() const {
  if (!heard.problem.empty()) return heard.problem;
  if (!heard.is_finite) return "not finite";
  if (heard.fall_db > kDecays_db) return "does not decay";
  if (louder_db() > kMostLouder_db) return "louder";
  if (asked.values.size() == 1 && balance_error_db() > kMostLate_db) return "early/late";
  for (std::size_t band = 0; band < kDecayBands_hz.size(); ++band) {
    const auto error = decay_error(band);
    if (error && std::abs(std::log(*error)) > std::log(kMostError)) return "decay time";
  }
  return {};
}

std::vector<Cell> cells_of(const std::string& name, const std::shared_ptr<const Source>& source,
                           const std::vector<double>& rates_hz, const std::vector<Asked>& asked) {
  std::map<std::pair<std::string, double>, Heard> known;
  std::vector<Cell> cells;
  for (const double rate_hz : rates_hz) {
    for (const Asked& one : asked) {
      const Asked beside = own_of(one);
      // What is early and what is late is asked of all that a rate has.
      const double own_hz = one.value(Control::kEarlyLate) != 0 ? rate_hz : kReference_hz;
      auto own = known.find({beside.text(), own_hz});
      if (own == known.end())
        own = known.emplace(std::pair(beside.text(), own_hz), hear(source, beside, own_hz, kLongest_s)).first;
      const double longest_s = 0.75 * longest_expected_s(own->second, one) + 0.5;
      cells.push_back({name, one, rate_hz, hear(source, one, rate_hz, longest_s), own->second});
    }
  }
  return cells;
}

}  // namespace diffverb::runtime::testing
