#include "models/network_model.h"

#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/acoustics/filters.h"
#include "core/error.h"
#include "core/solvers/solvers.h"

namespace diffverb {
namespace {

constexpr double kT60Tolerance = 0.01;
constexpr double kLongLook_s = 8;  // for what a knob does reach, which may be far from what was asked for

std::string seconds_text(double seconds) { return std::to_string(seconds).substr(0, 5) + " s"; }

/// T30 of a response without noise: a line through its decay curve from -5 to -35 dB. Infinite where the response ends
/// too early to tell.
double decay_of_band(const std::vector<double>& band, double rate_hz) {
  std::vector<double> curve(band.size());
  double energy = 0;
  for (std::size_t n = band.size(); n-- > 0;) curve[n] = energy += band[n] * band[n];
  const std::size_t last_tenth = band.size() - band.size() / 10;
  if (!(energy > 0) || curve[last_tenth] > 1e-4 * energy) return std::numeric_limits<double>::infinity();
  double count = 0, t = 0, y = 0, tt = 0, ty = 0;
  for (std::size_t n = 0; n < curve.size(); ++n) {
    const double db = 10 * std::log10(std::max(curve[n] / energy, 1e-30)), time = static_cast<double>(n) / rate_hz;
    if (db > -5 || db < -35) continue;
    count += 1, t += time, y += db, tt += time * time, ty += time * db;
  }
  const double slope = (count * ty - t * y) / (count * tt - t * t);
  return slope < 0 ? -60 / slope : std::numeric_limits<double>::infinity();
}

}  // namespace

double decay_time_of(const DelayNetwork& network, double seconds) {
  const at::NoGradGuard no_grad;
  DelayNetwork one = network.from_one_input();
  one.c = one.c.narrow(0, 0, 1);
  one.d = one.d.narrow(0, 0, 1);
  const auto samples = std::max<std::int64_t>(64, static_cast<std::int64_t>(seconds * network.sample_rate_hz));
  const auto ir = impulse_response(one, samples).reshape({-1}).to(at::kDouble).contiguous();
  double sum = 0;
  for (const double hz : {500.0, 1000.0}) {
    const auto band = acoustics::make_bands(acoustics::BandWidth::kOctave, network.sample_rate_hz, hz, hz);
    if (band.empty()) return 0;
    const auto filtered = acoustics::apply_filter(acoustics::band_filter(band[0], network.sample_rate_hz),
                                                  {ir.const_data_ptr<double>(), static_cast<std::size_t>(ir.numel())});
    sum += decay_of_band(filtered, network.sample_rate_hz) / 2;
  }
  return std::isfinite(sum) ? sum : 0;
}

void NetworkModel::finish(Fields& fields) {
  fields.optional("sample_rate_hz", rate_hz_, between(8000, 384000), "Hz");
  fields.optional("seconds", seconds_, between(0.05, 60), "s");
  fields.optional("t60_s", t60_s_, between(0.05, 60), "s");
  knobs_.choose(fields);
  if (!t60_s_ || fields.is_recording()) return;
  try {
    set_t60(*t60_s_);
  } catch (const ConfigError& error) {
    fields.fail("t60_s", error.what());
  }
}

DelayNetwork NetworkModel::rounded(double sample_rate_hz, at::ScalarType dtype) const {
  DelayNetwork network = build(sample_rate_hz).to(dtype);
  if (!network.delays.requires_grad()) {
    const auto whole = network.delays.round();
    network.delays = at::where(network.delays.gt(0), whole.clamp_min(1), whole);
  }
  return network;
}

DelayNetwork NetworkModel::network(double sample_rate_hz, at::ScalarType dtype) const {
  return with_whole_delays(rounded(sample_rate_hz, dtype));
}

at::Tensor NetworkModel::play(const at::Tensor& input, const at::Tensor& level) const {
  const auto dtype = input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const auto moves = motion(rate_hz_);
  const auto turns = turning(rate_hz_);
  if (moves.empty() && !turns) return time_response(network(rate_hz_, dtype), input.to(dtype));
  const DelayNetwork moving = with_short_delays_as_filters(rounded(rate_hz_, dtype));
  Varying varying;
  varying.delays = delay_trajectories(moving, moves, input.size(-1), level);
  if (turns) {
    varying.hop_samples = fine_hop(*turns, rate_hz_);
    varying.matrices = matrices_of(*turns, input.size(-1), rate_hz_, varying.hop_samples).to(dtype);
  }
  return varying_time_response(moving, input.to(dtype), varying);
}

double NetworkModel::measured_t60(double about_s) const {
  return decay_time_of(network(rate_hz_), std::clamp(1.3 * about_s, 0.2, 40.0));
}

double NetworkModel::set_t60(double t60_s) {
  const std::string key = decay_knob();
  if (key.empty()) throw ConfigError("this model has no number that sets its decay time");
  const at::NoGradGuard no_grad;
  prepare_for(t60_s);
  const Range range = knobs_.range(key);
  // Gains near 1 decide: half way in the logarithm of what is missing to the end of the range.
  const double span = range.max - range.min;
  double low = 0, high = 16;  // value = max - span 2^-x
  double reached = 0;
  const auto value_at = [&](double x) { return range.max - span * std::exp2(-x); };
  for (int pass = 0; pass < 24; ++pass) {
    const double middle = 0.5 * (low + high);
    knobs_.set(key, value_at(middle));
    reached = measured_t60(t60_s);
    if (std::abs(reached - t60_s) < kT60Tolerance * t60_s) return reached;
    (reached > 0 && reached < t60_s ? low : high) = middle;
    if (reached == 0 && high - low < 1e-3) break;
  }
  if (std::abs(reached - t60_s) < 2 * kT60Tolerance * t60_s) return reached;
  const auto reached_at = [&](double x) {
    knobs_.set(key, value_at(x));
    return measured_t60(std::max(t60_s, kLongLook_s));
  };
  const auto text = [](double seconds) { return seconds > 0 ? seconds_text(seconds) : "one without end"; };
  const double most = reached_at(16), least = reached_at(0);
  if (least > 0 && t60_s > least) knobs_.set(key, value_at(16));
  throw ConfigError("a decay time of " + seconds_text(t60_s) + " cannot be reached: " + key + " goes from " +
                    text(least) + " to " + text(most));
}

Response NetworkModel::forward(const Response& /*target*/) {
  const DelayNetwork parts = network(rate_hz_);
  const auto ir = impulse_response(parts.from_one_input(), samples());
  Response response(ir.reshape({1, ir.size(0), -1}), rate_hz_);
  response.set("feedback_matrix", parts.a);
  return response;
}

}  // namespace diffverb
