#include "models/envelope/variation.h"

#include <ATen/ops/einsum.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log10.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/seed.h"
#include "models/envelope/layout.h"
#include "models/envelope/operators.h"

namespace diffverb {
namespace {

constexpr double kSlowestDecaySeconds = 12;           // decay time behind which a band's slope no longer varies
constexpr double kNoHighBands = 0.15;                 // share of the examples that come as if recorded at 16 kHz
constexpr double kHighPassed = 0.6, kLowEndHz = 200;  // share of the examples; bands below may stray by themselves
constexpr double kRumble = 0.6;                       // share of the noise floors that rise below 200 Hz
constexpr double kLeastEnd = 0.4, kLastEnd = 30;      // seconds at which a file may end

at::Tensor normals(Random& random, at::IntArrayRef shape) {
  auto out = at::empty(shape, at::kFloat);
  float* to = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) to[i] = static_cast<float>(random.normal());
  return out;
}

/// Neighbouring bands alike: noise of unit variance, smoothed over about three of them.
at::Tensor smooth_normals(Random& random, std::int64_t rows, std::int64_t bands) {
  constexpr int kReach = 6;
  const auto noise = normals(random, {rows, bands + 2 * kReach});
  auto out = at::zeros({rows, bands});
  double squares = 0;
  for (int i = -kReach; i <= kReach; ++i) {
    const double weight = std::exp(-0.5 * i * i / 4.0);
    out += weight * noise.slice(1, i + kReach, i + kReach + bands);
    squares += weight * weight;
  }
  return out / std::sqrt(squares);
}

at::Tensor power_of(const at::Tensor& db) { return (db * (std::log(10.0) / 10)).exp(); }

double octaves_from_1khz(std::int64_t band) {
  return std::log2(envelope_layout().centres_hz[static_cast<std::size_t>(band)] / 1000);
}

/// Rows of zeros and ones: which examples are changed.
at::Tensor draw_changed(Random& random, std::int64_t count, double share) {
  auto out = at::zeros({count});
  for (std::int64_t i = 0; i < count; ++i) out[i] = random.uniform() < share ? 1.0f : 0.0f;
  return out;
}

/// What loudspeakers, microphones and high-pass filters leave of the lowest bands, dB, [B, K]: 6 to 24 dB an octave
/// below 15 to 150 Hz for most examples, and single bins by themselves.
at::Tensor draw_low_end(Random& random, std::int64_t count, double gain_db) {
  const auto& centres = envelope_layout().centres_hz;
  auto out = at::zeros({count, envelope_layout().bands()});
  auto to = out.accessor<float, 2>();
  for (std::int64_t i = 0; i < count; ++i) {
    const double corner = std::exp(random.uniform(std::log(15.0), std::log(150.0))), slope = random.uniform(6, 24);
    const double share = random.uniform() < kHighPassed ? 1 : 0;
    for (std::size_t k = 0; k < centres.size() && centres[k] < kLowEndHz; ++k)
      to[i][static_cast<std::int64_t>(k)] = static_cast<float>(
          gain_db * random.normal() - share * 0.5 * slope * std::log2(1 + std::pow(corner / centres[k], 2)));
  }
  return out;
}

/// How much faster each band decays, dB a second, [B, K]; none slower, so that a noise floor never rises.
at::Tensor draw_slopes(Random& random, const at::Tensor& energy, const EnvelopeVariation& variation) {
  const std::int64_t count = energy.size(0), bands = energy.size(1);
  const auto& maps = envelope_operators();
  // An exponential's centre of energy lies T / (6 ln 10) behind its begin.
  const auto decay_s = 6 * std::log(10.0) * energy.matmul(maps.time_s) / energy.sum(2).clamp_min(1e-20);
  auto share = variation.decay * (0.6 * normals(random, {count, bands}) + smooth_normals(random, count, bands));
  share = share - std::get<0>(share.max(1, true));
  auto slope = 60 * share / decay_s.clamp(0.05, kSlowestDecaySeconds);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool all = random.uniform() < 0.5;
    const double most = variation.slope_db_per_s * std::pow(random.uniform(), 2) * random.uniform();
    if (all) slope[i] -= most;
  }
  return slope;
}

/// Change of the first 160 ms, dB, [B, J, K]: alike in all bands, and each by itself.
at::Tensor draw_early(Random& random, std::int64_t count, const EnvelopeVariation& variation) {
  const std::int64_t knots = envelope_layout().knots(), bands = envelope_layout().bands();
  const auto common = normals(random, {count, knots, 1});
  const auto smooth = smooth_normals(random, count * knots, bands).reshape({count, knots, bands});
  return variation.early_db * (common + 0.5 * smooth + 0.4 * normals(random, {count, knots, bands}));
}

/// A file that ends early, or one of a lower rate.
void cut(EnvelopeBatch& batch, const at::Tensor& changed, Random& random) {
  const auto& times = envelope_layout().times_s;
  for (std::int64_t i = 0; i < changed.size(0); ++i) {
    const double end = std::exp(random.uniform(std::log(kLeastEnd), std::log(kLastEnd)));
    const bool low = random.uniform() < kNoHighBands;
    if (changed[i].item<float>() == 0) continue;
    const auto last = std::lower_bound(times.begin(), times.end(), end) - times.begin();
    batch.known_cells[i] = std::min<std::int64_t>(batch.known_cells[i].item<std::int64_t>(), last);
    if (low) batch.known_bands[i].slice(0, 26).fill_(false);
  }
}

/// Noise floors as recordings have them: simulated rooms have none.
void add_floors(EnvelopeBatch& batch, Random& random, double share) {
  const EnvelopeOperators& maps = envelope_operators();
  const std::int64_t count = batch.energy.size(0), bands = batch.energy.size(1);
  const auto level_db = 10 * at::log10(batch.energy.sum(2) + 1e-12);
  auto floor_db = 0.4 * level_db + 3 * smooth_normals(random, count, bands) + 2 * normals(random, {count, bands});
  for (std::int64_t i = 0; i < count; ++i) {
    const bool quiet = random.uniform() >= share;
    const double level = quiet ? -200 : random.uniform(-105, -45), tilt = random.uniform(-3, 1);
    const double rumble = random.uniform() < kRumble ? 10 * std::pow(random.uniform(), 2) : 0;  // dB an octave
    for (std::int64_t k = 0; k < bands; ++k) {
      const double below =
          std::max(0.0, std::log2(kLowEndHz / envelope_layout().centres_hz[static_cast<std::size_t>(k)]));
      floor_db[i][k] += level + tilt * octaves_from_1khz(k) + rumble * below;
    }
  }
  const auto floors = power_of(floor_db).unsqueeze(-1) * maps.cell_s;
  batch.energy = batch.energy + floors;
  batch.power = batch.power + predict_power(maps, at::zeros({count, bands}), floors);
}

}  // namespace

void vary_envelopes(EnvelopeBatch& batch, const EnvelopeVariation& variation) {
  const EnvelopeOperators& maps = envelope_operators();
  const std::int64_t count = batch.energy.size(0), bands = batch.energy.size(1);
  Random random(variation.seed, "vary");
  const auto changed = draw_changed(random, count, variation.share);
  auto gain_db = variation.gain_db * (0.75 * normals(random, {count, bands}) + smooth_normals(random, count, bands));
  for (std::int64_t i = 0; i < count; ++i) {
    const double tilt = random.uniform(-2, 2);
    for (std::int64_t k = 0; k < bands; ++k) gain_db[i][k] += tilt * octaves_from_1khz(k);
  }
  gain_db = gain_db + draw_low_end(random, count, variation.gain_db);
  const auto slope = draw_slopes(random, batch.energy, variation);
  const auto early = draw_early(random, count, variation);
  auto change_db =
      gain_db.unsqueeze(-1) + slope.unsqueeze(-1) * maps.time_s + at::einsum("bjk,jt->bkt", {early, maps.knots});
  change_db = change_db * changed.reshape({count, 1, 1});
  const auto energy = batch.energy * power_of(change_db);
  const auto no_direct = at::zeros({count, bands});  // it stands in the first cell
  batch.power = batch.power * predict_power(maps, no_direct, energy) /
                predict_power(maps, no_direct, batch.energy).clamp_min(1e-20);
  batch.energy = energy;
  cut(batch, changed, random);
  add_floors(batch, random, variation.floor_share);
  const auto total = (batch.energy * batch.known_bands.unsqueeze(-1)).sum(at::IntArrayRef({1, 2}), true);
  batch.energy = batch.energy / total;
  batch.power = batch.power / total;
}

}  // namespace diffverb
