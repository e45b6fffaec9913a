#include "models/envelope/parameters.h"

#include <ATen/ops/amax.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/sinh.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr double kShortestSeconds = 0.04, kLongestSeconds = 12, kLargestRatio = 6;
constexpr double kLeastMix = 1e-5, kLargestMix = 0.9;
constexpr double kLargestEarlyDb = 12;
constexpr double kLargestSpreadDb = 60;              // of a band below the loudest
constexpr double kLargestDirectDb = 35;              // of a direct sound above the loudest band
constexpr double kDecayPerT60 = 13.815510557964274;  // 6 ln 10

at::Tensor power(const at::Tensor& db) { return at::exp(db * (std::log(10.0) / 10)); }

/// Between low and high on a logarithmic scale.
at::Tensor bounded(const at::Tensor& x, double low, double high) {
  return at::exp(std::log(low) + std::log(high / low) * x.sigmoid());
}

/// |log2(f / 1 kHz)| of the bands: measured spectra fall away on both sides.
at::Tensor octaves_from_1khz(const at::Tensor& like) {
  // Kept, by device and type: a copy from the CPU in the midst of a step would hold a GPU up.
  static std::mutex mutex;
  // Not destroyed: at exit CUDA is gone before it.
  static auto& kept = *new std::map<std::pair<std::string, at::ScalarType>, at::Tensor>;
  const std::lock_guard<std::mutex> lock(mutex);
  at::Tensor& tensor = kept[{like.device().str(), like.scalar_type()}];
  if (tensor.defined()) return tensor;
  std::vector<float> out;
  for (const double hz : envelope_layout().centres_hz)
    out.push_back(static_cast<float>(std::abs(std::log2(hz / 1000))));
  tensor = at::tensor(out).to(like.device(), like.scalar_type());
  return tensor;
}

/// Energy of r exp(-r t) in each cell: the middle's value times the mean of exp over the cell.
at::Tensor decay(const EnvelopeOperators& maps, const at::Tensor& t60_s) {
  const auto rate = kDecayPerT60 / t60_s.unsqueeze(-1);
  const auto half = 0.5 * rate * maps.cell_s;
  return 2 * at::exp(-rate * maps.time_s) * at::sinh(half);
}

}  // namespace

std::int64_t EnvelopeParameters::count() { return 6 + envelope_layout().knots(); }

EnvelopeParameters EnvelopeParameters::from_outputs(const at::Tensor& outputs) {
  // Beyond +-12 a level would be 100 dB off: nothing that a room needs, but a number that overflows.
  const auto x = outputs.reshape({outputs.size(0), count(), envelope_layout().bands()}).clamp(-12, 12);
  EnvelopeParameters out;
  // No room that was measured comes near these bounds; far corners of the latent box would pass them.
  const auto level_db = -18 + 8 * x.select(1, 0) - octaves_from_1khz(x);
  const auto loudest_db = level_db.amax(1, true);
  out.level_db = at::maximum(level_db, loudest_db - kLargestSpreadDb);
  out.direct_db = at::minimum(-24 + 8 * x.select(1, 1), loudest_db + kLargestDirectDb);
  out.t1_s = bounded(x.select(1, 2), kShortestSeconds, kLongestSeconds);
  out.t2_s = (out.t1_s * bounded(x.select(1, 3) - 1, 1, kLargestRatio)).clamp_max(kLongestSeconds);
  out.mix = bounded(x.select(1, 4), kLeastMix, kLargestMix);
  out.floor_db = -65 + 15 * x.select(1, 5);
  out.early_db = kLargestEarlyDb * (x.slice(1, 6) / 4).tanh();
  return out;
}

at::Tensor cell_energy(const EnvelopeOperators& maps, const EnvelopeParameters& p, bool with_floor) {
  const auto mix = p.mix.unsqueeze(-1);
  const auto decays = (1 - mix) * decay(maps, p.t1_s) + mix * decay(maps, p.t2_s);
  const auto gain_db = p.level_db.unsqueeze(-1) + at::einsum("bjk,jt->bkt", {p.early_db, maps.knots});
  const auto energy = power(gain_db) * decays;
  return with_floor ? energy + power(p.floor_db).unsqueeze(-1) * maps.cell_s : energy;
}

at::Tensor direct_energy(const EnvelopeParameters& p) { return power(p.direct_db); }

}  // namespace diffverb
