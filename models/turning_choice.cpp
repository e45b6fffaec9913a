#include "models/turning_choice.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>

#include <vector>

namespace diffverb {
namespace {

constexpr double kGolden = 0.6180339887498949;

}  // namespace

at::Tensor spread_rates(const at::Tensor& rate, double spread, std::int64_t count) {
  const auto places = (at::arange(count, at::kDouble) * kGolden + 0.5).remainder(1);  // the first at the middle
  return rate * (1 + spread * (2 * places - 1));
}

void TurningChoice::read(Fields fields, std::int64_t lines) {
  fields.choice("type", type_, {"none", "rotating", "eigenvalues"});
  const bool all = fields.is_recording();
  if (!turns() && !all) return;
  const auto fixed = Knobs::Kind::kFixed;
  const bool eigenvalues = type_ == "eigenvalues" || all;
  knobs_.add(fields, "turn_hz", eigenvalues ? 0.0 : 0.5, between(-20, 20), "Hz", fixed);
  knobs_.add(fields, "angle_depth_turns", eigenvalues ? 0.02 : 0.0, between(0, 1), "turns", fixed);
  knobs_.add(fields, "angle_rate_hz", 0.7, between(0, 20), "Hz", fixed);
  fields.optional("rate_spread", rate_spread_, between(0, 0.9));
  if (eigenvalues) {
    const auto pairs = static_cast<std::size_t>(lines / 2);
    std::vector<double> angles;
    for (std::size_t p = 0; p < pairs; ++p)
      angles.push_back((static_cast<double>(p) + 0.5) / (2 * static_cast<double>(pairs)));
    knobs_.add(fields, "radius", std::vector<double>(pairs + static_cast<std::size_t>(lines % 2), 0.99),
               between(0.5, 1));
    knobs_.add(fields, "angle_turns", angles, between(0, 0.5), "turns");
    knobs_.add(fields, "radius_depth", 0.02, between(0, 0.9), "", fixed);
    knobs_.add(fields, "radius_rate_hz", 0.4, between(0, 20), "Hz", fixed);
  }
  knobs_.choose(fields);
}

std::optional<TurningMatrix> TurningChoice::of(const at::Tensor& matrix) const {
  if (!turns()) return std::nullopt;
  const std::int64_t n = matrix.size(0), pairs = (n + 1) / 2;
  const auto phases = at::arange(pairs, at::kDouble) * kGolden;
  const auto paces = [&](const char* key) { return spread_rates(knobs_[key], rate_spread_, pairs); };
  TurningMatrix turning;
  if (type_ == "rotating") {
    turning = rotating_orthogonal(matrix, paces("turn_hz"));
  } else {
    turning = dynamic_eigenvalues(matrix, knobs_["radius"], at::constant_pad_nd(knobs_["angle_turns"], {0, n % 2}));
    turning.turn_hz = paces("turn_hz");
    turning.radius_depth = at::constant_pad_nd(knobs_["radius_depth"].expand({n / 2}), {0, n % 2});
    turning.radius_rate_hz = paces("radius_rate_hz");
    turning.radius_phase_turns = phases + 0.25;
  }
  turning.angle_depth_turns = knobs_["angle_depth_turns"].expand({pairs});
  turning.angle_rate_hz = paces("angle_rate_hz");
  turning.angle_phase_turns = phases;
  return turning;
}

}  // namespace diffverb
