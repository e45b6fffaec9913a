#include "runtime/variation/response_change.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime/resampling.h"
#include "runtime/variation/octave_bands.h"
#include "runtime/variation/rows.h"
#include "runtime/variation/split_responses.h"

namespace diffverb::runtime {
namespace {

using Rows = std::vector<std::vector<float>>;

constexpr double kLeastFrom_hz = 1000, kMostFrom_hz = 1e6;
constexpr double kLongest_s = 20;  // of what is made longer to decay more slowly

double within(double value, double least, double most, double neutral) {
  return std::isfinite(value) ? std::clamp(value, least, most) : neutral;
}

/// Decay times of the octaves of a sound that is then played `size` times as long: so that at each frequency it ends up
/// with what it had there, times the variation's factor. [K] times what they are.
std::vector<double> wanted_factors(const OctaveRates& rates, const Variation& variation) {
  std::vector<double> wanted;
  for (std::size_t k = 0; k < rates.hz.size(); ++k) {
    const double hz = rates.hz[k] / variation.size, then = value_at(rates.hz, rates.rate, hz);
    const double moved = then > 0 && rates.rate[k] > 0 ? rates.rate[k] / then : 1;
    wanted.push_back(moved * decay_factor(variation, hz) / variation.size);
  }
  return wanted;
}

/// At the new rate, `size` times as long, as loud altogether as before.
Rows resized(const Rows& rows, double from_hz, double rate_hz, double size) {
  if (rows.empty() || (from_hz == rate_hz && size == 1)) return rows;
  const auto level = static_cast<float>(std::sqrt(size));
  auto all = resample_responses(joined(rows), rows[0].size(), from_hz, rate_hz * size);
  if (size != 1) {
    for (float& value : all) value *= level;
  }
  return rows_of(all, all.size() / rows.size());
}

std::string check_rate(const char* what, double hz, double least, double most) {
  if (hz >= least && hz <= most) return {};
  return std::string(what) + " is " + std::to_string(hz) + " Hz, expected " + std::to_string(std::lround(least)) +
         " to " + std::to_string(std::lround(most));
}

std::string check_responses(const Rows& channels, double from_hz, double rate_hz) {
  if (std::string error = check_rate("the response's rate", from_hz, kLeastFrom_hz, kMostFrom_hz); !error.empty())
    return error;
  if (std::string error = check_host_rate(rate_hz); !error.empty()) return error;
  if (channels.empty() || channels[0].empty()) return "the response holds no samples";
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (channels[c].size() != channels[0].size())
      return "response " + std::to_string(c) + " has " + std::to_string(channels[c].size()) + " samples, expected " +
             std::to_string(channels[0].size()) + " as the first has";
  }
  return {};
}

}  // namespace

std::string check_host_rate(double rate_hz) {
  return check_rate("the rate", rate_hz, kLowestHostRate_hz, kHighestHostRate_hz);
}

Variation within_ranges(const Variation& v) {
  return {within(v.decay, 0.1, 4, 1), within(v.size, 0.5, 2, 1), within(v.damping, -1, 1, 0),
          within(v.early_late_db, -24, 24, 0), within(v.modulation, 0, 2, 1)};
}

bool decays_otherwise(const Variation& variation) {
  return variation.decay != 1 || variation.damping != 0 || variation.size != 1;
}

std::vector<std::vector<float>> change_response(const std::vector<std::vector<float>>& rows, double from_hz,
                                                double rate_hz, const Variation& variation, const OctaveRates& rates) {
  if (!decays_otherwise(variation)) return resized(rows, from_hz, rate_hz, variation.size);
  OctaveRates from{octave_centres(from_hz), {}};
  for (const double hz : from.hz) from.rate.push_back(value_at(rates.hz, rates.rate, hz));
  OctaveRates to = from;
  const std::vector<double> wanted = wanted_factors(from, variation);
  for (std::size_t k = 0; k < to.rate.size(); ++k) to.rate[k] /= wanted[k];
  return resized(with_rates(rows, from_hz, from, to), from_hz, rate_hz, variation.size);
}

/// The responses as they were given, and at the host's rate from when they are first needed there.
struct VariedResponses::Kept {
  Kept(Rows channels, double from_hz, double host_rate_hz)
      : given(std::move(channels), from_hz, from_hz), rate_hz(host_rate_hz) {}

  const SplitResponses& at_rate() const {
    if (given.rate_hz() == rate_hz) return given;
    std::call_once(once, [this] {
      changed.emplace(resized(given.rows(), given.rate_hz(), rate_hz, 1), rate_hz, given.rate_hz());
    });
    return *changed;
  }

  /// Where decay times change: at the lower of the two rates, for which there is less to do; as they were given where size
  /// brings down what the host's rate cannot hold.
  const SplitResponses& to_vary(double size) const { return given.rate_hz() < rate_hz || size > 1 ? given : at_rate(); }

  SplitResponses given;
  double rate_hz;
  mutable std::once_flag once;
  mutable std::optional<SplitResponses> changed;
};

VariedResponses::VariedResponses(std::vector<std::vector<float>> channels, double from_hz, double rate_hz)
    : error_(check_responses(channels, from_hz, rate_hz)) {
  if (error_.empty()) kept_ = std::make_unique<Kept>(std::move(channels), from_hz, rate_hz);
}

VariedResponses::~VariedResponses() = default;
VariedResponses::VariedResponses(VariedResponses&&) noexcept = default;
VariedResponses& VariedResponses::operator=(VariedResponses&&) noexcept = default;

std::vector<std::vector<float>> VariedResponses::at(const Variation& asked) const {
  if (!kept_) return {};
  const Variation variation = within_ranges(asked);
  const double rate_hz = kept_->rate_hz;
  Rows out;
  if (decays_otherwise(variation)) {
    const SplitResponses& split = kept_->to_vary(variation.size);
    const double longest = kLongest_s * split.rate_hz() / variation.size;
    out = split.with_decay_times(wanted_factors(split.measured(), variation), static_cast<std::size_t>(longest));
    out = resized(out, split.rate_hz(), rate_hz, variation.size);
  } else {
    out = kept_->at_rate().rows();
  }
  if (variation.early_late_db == 0) return out;
  const std::size_t onset = onset_of(out);
  for (auto& row : out) {
    for (std::size_t n = onset; n < row.size(); ++n)
      row[n] *= static_cast<float>(early_late_gain(variation.early_late_db, static_cast<double>(n - onset) / rate_hz));
  }
  return out;
}

std::vector<std::vector<float>> vary_response(const std::vector<std::vector<float>>& channels, double from_hz,
                                              double rate_hz, const Variation& variation) {
  return VariedResponses(channels, from_hz, rate_hz).at(variation);
}

}  // namespace diffverb::runtime
