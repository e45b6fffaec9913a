#include "runtime/variation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "runtime/biquad.h"
#include "runtime/metadata.h"
#include "runtime/network_check.h"
#include "runtime/render.h"
#include "runtime/variation/line_change.h"
#include "runtime/variation/low_pass.h"
#include "runtime/variation/merged_filters.h"
#include "runtime/variation/response_change.h"
#include "runtime/variation/response_decay.h"
#include "runtime/variation/rows.h"

namespace diffverb::runtime {
namespace {

constexpr double kPass = 0.82, kNearHalf = 0.99;  // of the old half rate; of the new one, above which nothing is left
constexpr int kPartsOfTheWay = 5;                 // back to the neutral variation, where a network would not be stable
constexpr double kEarly_s = 0.1;                  // a little more than early and late overlap

/// Nothing sounds above the old half rate.
void limit_band(DelayNetworkWeights& w, double old_rate_hz) {
  const double stop = 0.5 * old_rate_hz;
  const auto is_heard = [](const std::vector<float>& gains) {
    return std::any_of(gains.begin(), gains.end(), [](float gain) { return gain != 0; });
  };
  if (stop > kNearHalf * 0.5 * w.sample_rate_hz || !(is_heard(w.C) || is_heard(w.D))) return;
  append_sections(w.output_sos, w.outputs, w.output_sections, elliptic_low_pass(w.sample_rate_hz, kPass * stop, stop));
}

void change_motion(DelayNetworkWeights& w, double ratio, double modulation) {
  for (DelayMotion& motion : w.delay_motions) motion.depth_samples *= ratio * modulation;
  for (TurningPair& pair : w.turning) {
    pair.radius_depth = std::min(1.0, pair.radius_depth * modulation);
    pair.angle_depth_turns *= modulation;
    pair.turn_hz *= modulation;
  }
  for (GainSine& sine : w.moving.sines) sine.depth *= modulation;
}

std::string check_taps(double taps) {
  if (taps <= NetworkLimits::kChangedTaps) return {};
  return "there are " + std::to_string(std::llround(taps)) +
         " samples to convolve with at this rate, expected at most " + std::to_string(NetworkLimits::kChangedTaps);
}

/// What a network convolves with: beside its lines it decays as they do; by itself, as it was measured. Returns an empty
/// string, or why it cannot be changed.
std::string change_responses(const DelayNetworkWeights& old, const LoopRates& rates, const Variation& variation,
                             DelayNetworkWeights& w) {
  Variation own = variation;
  if (old.lines > 0) own.early_late_db = 0;  // the network's whole response has that
  std::string error;
  const auto change = [&](const std::vector<float>& values, int& length) {
    auto rows = rows_of(values, static_cast<std::size_t>(length));
    if (rows.empty() || !error.empty()) return std::vector<float>();
    if (rates.slowest.empty()) {
      const VariedResponses varied(std::move(rows), old.sample_rate_hz, w.sample_rate_hz);
      rows = varied.at(own);
      if (error = varied.error(); !error.empty()) return std::vector<float>();
    } else {
      rows = change_response(rows, old.sample_rate_hz, w.sample_rate_hz, own, OctaveRates{rates.hz, rates.slowest});
    }
    length = static_cast<int>(rows[0].size());
    return joined(rows);
  };
  w.early = change(old.early, w.early_samples);
  w.moving.taps = change(old.moving.taps, w.moving.samples);
  for (auto& term : w.terms) term = term->at_rate(old.term_shape(), w.sample_rate_hz);
  return error;
}

std::shared_ptr<const Model> model_of(DelayNetworkWeights w) {
  auto model = std::make_shared<Model>();
  model->kind = kDelayNetwork, model->network = std::move(w);
  return model;
}

/// The lines' level changes behind 80 ms only: what they sound before that is added to the early part. `w` is a network
/// that is ready but for that, and stable.
std::string balance_early_late(DelayNetworkWeights& w, double early_late_db) {
  DelayNetworkWeights alone = w;
  alone.early.clear(), alone.early_samples = 0, alone.terms.clear(), alone.moving = {};
  std::fill(alone.D.begin(), alone.D.end(), 0.0f);
  const auto frames = static_cast<std::size_t>(kEarly_s * w.sample_rate_hz);
  const auto length = std::max(frames, static_cast<std::size_t>(w.early_samples));
  const auto outputs = static_cast<std::size_t>(w.outputs), inputs = static_cast<std::size_t>(w.inputs);
  if (std::string error = check_taps(static_cast<double>(outputs * inputs * length + w.moving.taps.size()));
      !error.empty())
    return error;
  std::vector<float> early(outputs * inputs * length, 0.0f);
  const double late = early_late_gain(early_late_db, kEarly_s);
  const std::vector<float> all_inputs = alone.B;
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t k = 0; k < all_inputs.size(); ++k) alone.B[k] = k % inputs == i ? all_inputs[k] : 0;
    const auto sound = render_impulse(model_of(alone), kEarly_s);
    for (std::size_t o = 0; o < outputs; ++o) {
      float* to = early.data() + (o * inputs + i) * length;
      const float* own = w.early.data() + (o * inputs + i) * static_cast<std::size_t>(w.early_samples);
      for (std::size_t n = 0; n < length; ++n) {
        const double gain = early_late_gain(early_late_db, static_cast<double>(n) / w.sample_rate_hz);
        const double network = n < sound[o].size() ? (gain - late) * sound[o][n] : 0;
        to[n] = static_cast<float>(network + (n < static_cast<std::size_t>(w.early_samples) ? gain * own[n] : 0));
      }
    }
  }
  w.early = std::move(early), w.early_samples = static_cast<int>(length);
  for (float& gain : w.C) gain = static_cast<float>(gain * late);
  return {};
}

/// The loops of a network as a variation at a rate needs them.
LoopRates rates_for(const DelayNetworkWeights& old, double rate_hz, const Variation& variation) {
  return loop_rates(old, fit_frequencies(old.sample_rate_hz, rate_hz), decays_otherwise(variation));
}

/// The network as a variation within its ranges makes it, where that is stable. `rates` are rates_for it.
LoadResult changed_by(const DelayNetworkWeights& old, double rate_hz, const Variation& variation, LoopRates rates) {
  DelayNetworkWeights w = old;
  w.sample_rate_hz = rate_hz;
  w.delays = changed_delays(old, rate_hz, variation);
  change_motion(w, rate_hz / old.sample_rate_hz, variation.modulation);
  if (decays_otherwise(variation)) correct_rates(old, variation, rates);
  change_lines(old, rates, variation, w);
  w.output_sos = moved_filters(old.output_sos, old.output_sections, old.sample_rate_hz, rate_hz);
  limit_band(w, old.sample_rate_hz);
  if (std::string error = change_responses(old, rates, variation, w); !error.empty()) return {nullptr, error};
  if (std::string error = check_network(w, Checked::kChanged); !error.empty()) return {nullptr, error};
  if (variation.early_late_db != 0 && w.lines > 0) {
    if (std::string error = balance_early_late(w, variation.early_late_db); !error.empty()) return {nullptr, error};
  }
  return {model_of(std::move(w)), {}};
}

/// A share of the way from the neutral variation, for what moves the loop's losses.
Variation part_of(const Variation& variation, double share) {
  Variation part = variation;
  part.decay = std::pow(variation.decay, share), part.size = std::pow(variation.size, share);
  part.damping = variation.damping * share;
  return part;
}

}  // namespace

LoadResult vary_network(const Model& model, double rate_hz, const Variation& asked) {
  if (std::string error = check_host_rate(rate_hz); !error.empty()) return {nullptr, error};
  const Variation variation = within_ranges(asked);
  if (rate_hz == model.sample_rate_hz() && variation == Variation{}) return {std::make_shared<Model>(model), {}};
  const DelayNetworkWeights old = with_merged_filters(model.network);
  const double longer = rate_hz / old.sample_rate_hz * variation.size;
  if (std::string error = check_taps(static_cast<double>(old.early.size() + old.moving.taps.size()) * longer);
      !error.empty())
    return {nullptr, error};
  LoopRates rates = rates_for(old, rate_hz, variation);
  LoadResult result = changed_by(old, rate_hz, variation, rates);
  const int steps = part_of(variation, 0) == variation ? 1 : kPartsOfTheWay + 1;
  for (int step = 0; !result && old.lines > 0 && step < steps; ++step) {
    const Variation part = part_of(variation, 1 - static_cast<double>(step) / kPartsOfTheWay);
    if (decays_otherwise(part) != decays_otherwise(variation)) rates = rates_for(old, rate_hz, part);
    rates.is_careful = true;
    if (LoadResult nearer = changed_by(old, rate_hz, part, rates)) result = std::move(nearer);
  }
  return result;
}

}  // namespace diffverb::runtime
