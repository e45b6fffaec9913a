#include "models/sine_field.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <numbers>

#include "core/error.h"

namespace diffverb {
namespace {

at::Tensor floats(const std::vector<double>& values) { return at::tensor(values, at::kDouble).to(at::kFloat); }

}  // namespace

SineField::SineField(Fields& f) {
  read(f);
  if (!f.is_recording()) build();
}

void SineField::read(Fields& f) {
  f.required("size_m", size_m_, above(0), "m");
  f.optional("speed_m_s", speed_m_s_, above(0), "m/s");
  f.optional("seconds", seconds_, above(0), "s");
  f.optional("high_hz", high_hz_, above(0), "Hz");
  f.optional("source_m", source_m_, {}, "m");
  f.optional("source_radius_m", source_radius_m_, at_least(0), "m");
  f.optional("reflection", reflection_, between(-1, 1));
  f.optional("points", points_, between(0, 1 << 24));
  f.optional("wall_points", wall_points_, between(0, 1 << 24));
  f.optional("start_points", start_points_, between(0, 1 << 24));
  f.optional("width", options_.width, between(1, 4096));
  f.optional("layers", options_.layers, between(1, 64));
  f.optional("omega_0", options_.omega_0, above(0));
  std::string start = "waves";
  f.choice("start", start, {"waves", "uniform"});
  f.optional("seed", seed_);
  options_.start = start == "waves" ? SineNetwork::Start::kWaves : SineNetwork::Start::kUniform;
  if (f.is_recording()) return;
  const std::size_t sides = size_m_.size();
  if (sides < 1 || sides > 3) f.fail("size_m", "one, two or three sides expected");
  if (!source_m_.empty() && source_m_.size() != sides) f.fail("source_m", "one number for each side expected");
  if (reflection_.size() == 1) reflection_.assign(2 * sides, reflection_[0]);
  if (reflection_.size() != 2 * sides) f.fail("reflection", "one number, or two for each side, expected");
}

double SineField::wave_number() const { return 2 * std::numbers::pi * high_hz_ / speed_m_s_; }

void SineField::build() {
  const std::int64_t d = dimensions();
  const double k = wave_number();
  options_.inputs = d + 1;
  Random weights(seed_, "sine_field.network"), points(seed_, "sine_field.points");
  network_ = std::make_unique<SineNetwork>(options_, weights, at::TensorOptions().dtype(at::kFloat));
  spread_ = SpreadPoints(d + 1, points);
  sets_drawn_ = at::zeros({}, at::kLong);

  std::vector<double> wave(size_m_.size(), -1), span, source;
  wave.push_back(1);
  for (const double side : size_m_) span.push_back(side * k);
  span.push_back(seconds_ * speed_m_s_ * k);
  for (std::size_t j = 0; j < source_m_.size(); ++j) source.push_back((source_m_[j] - size_m_[j] / 2) * k);
  wave_ = floats(wave);
  span_ = floats(span);
  if (!source.empty()) source_ = floats(source);

  wall_axis_ = at::zeros({2 * d, d + 1});
  std::vector<double> side, coefficients[3];
  for (std::int64_t w = 0; w < 2 * d; ++w) {
    const double r = reflection_[static_cast<std::size_t>(w)];
    const bool held = r == -1;
    wall_axis_[w][w / 2] = 1;
    side.push_back(w % 2 == 0 ? -1 : 1);
    coefficients[0].push_back(held ? 1 : 0);
    coefficients[1].push_back(held ? 0 : (1 + r) / 2);
    coefficients[2].push_back(held ? 0 : (1 - r) / 2);
  }
  wall_side_ = floats(side);
  wall_coefficients_ =
      at::cat({floats(coefficients[0]), floats(coefficients[1]), floats(coefficients[2])}).view({3, -1});
}

void SineField::move_to(at::Device device) {
  network_->move_to(device);
  spread_.move_to(device);
  for (at::Tensor* t :
       {&sets_drawn_, &wave_, &span_, &wall_axis_, &wall_side_, &wall_coefficients_, &source_, &heard_at_})
    if (t->defined()) *t = t->to(device);
}

std::map<std::string, at::Tensor> SineField::parameters() const {
  std::map<std::string, at::Tensor> out;
  network_->add_parameters(out);
  return out;
}

at::Tensor SineField::coordinates(const at::Tensor& positions, std::int64_t samples, double rate_hz) const {
  if (positions.dim() != 2 || positions.size(1) != dimensions())
    throw ContractError("sine_field: positions must be [N, " + std::to_string(dimensions()) + "], one number a side");
  const std::int64_t n = positions.size(0), d = dimensions();
  const at::Tensor size = at::tensor(size_m_, at::kDouble), unit = span_.to(at::kCPU, at::kDouble);
  const at::Tensor place = (positions.to(at::kCPU, at::kDouble) / size - 0.5) * unit.narrow(0, 0, d);
  const at::Tensor time = (at::arange(samples, at::kDouble) / (rate_hz * seconds_) - 0.5) * unit[d];
  return at::cat({place.unsqueeze(1).expand({n, samples, d}), time.view({1, samples, 1}).expand({n, samples, 1})}, 2)
      .reshape({n * samples, d + 1})
      .to(span_.options());
}

void SineField::place_microphones(const at::Tensor& positions, std::int64_t samples, double rate_hz) {
  heard_at_ = coordinates(positions, samples, rate_hz);
  microphones_ = positions.size(0);
  rate_hz_ = rate_hz;
}

at::Tensor SineField::pressure(const at::Tensor& positions, std::int64_t samples, double rate_hz) const {
  std::vector<at::Tensor> rows;  // one place after the other: the hidden layers of many would fill the memory
  for (const at::Tensor& place : positions.unbind())
    rows.push_back(network_->value(coordinates(place.unsqueeze(0), samples, rate_hz)));
  return at::cat(rows).view({positions.size(0), samples});
}

at::Tensor SineField::wave_residual(const at::Tensor& unit) const {
  const at::Tensor points = (unit - 0.5) * span_;
  const at::Tensor residual = network_->jet(points, wave_).second;
  if (!source_.defined()) return residual;
  const double radius = source_radius_m_ * wave_number();
  const at::Tensor distance2 = (points.narrow(1, 0, dimensions()) - source_).square().sum(1);
  return residual * distance2.ge(radius * radius);
}

/// The k-th point lies on wall k modulo their number.
at::Tensor SineField::wall_residual(const at::Tensor& unit) const {
  const at::Tensor wall = at::arange(unit.size(0), sets_drawn_.options()).remainder(2 * dimensions());
  const at::Tensor axis = wall_axis_.index_select(0, wall), side = wall_side_.index_select(0, wall);
  const at::Tensor on_wall = (unit - 0.5) * (1 - axis) + 0.5 * axis * side.unsqueeze(1);
  const SineJet field = network_->jet(on_wall * span_, wave_);
  const at::Tensor outwards = (field.gradient.t() * axis).sum(1) * side;
  const at::Tensor c = wall_coefficients_.index_select(1, wall);
  return c[0] * field.value + c[1] * outwards + c[2] * field.gradient[dimensions()];
}

at::Tensor SineField::start_residual(const at::Tensor& unit) const {
  const at::Tensor room = (unit - 0.5).narrow(1, 0, dimensions());
  const at::Tensor points = at::cat({room, at::ones({unit.size(0), 1}, room.options()) * -0.5}, 1) * span_;
  const SineJet field = network_->jet(points, wave_);
  return at::cat({field.value, field.gradient[dimensions()]});
}

void SineField::add_features(Response& target) const {
  const auto zeros = [&](std::int64_t count) { return at::zeros({count}, span_.options()); };
  if (points_ > 0) target.set("wave_residual", zeros(points_));
  if (wall_points_ > 0) target.set("wall_residual", zeros(wall_points_));
  if (start_points_ > 0) target.set("start_residual", zeros(2 * start_points_));
}

Response SineField::forward(const Response& /*target*/) {
  if (!heard_at_.defined()) throw ContractError("sine_field: no microphones were placed; diffverb field does it");
  Response out(network_->value(heard_at_).view({1, microphones_, -1}), rate_hz_);
  const auto drawn = [&](std::int64_t count) { return spread_.draw(sets_drawn_, count).to(span_.scalar_type()); };
  if (points_ > 0) out.set("wave_residual", wave_residual(drawn(points_)));
  if (wall_points_ > 0) out.set("wall_residual", wall_residual(drawn(wall_points_)));
  if (start_points_ > 0) out.set("start_residual", start_residual(drawn(start_points_)));
  const at::NoGradGuard no_grad;
  sets_drawn_.add_(1);
  return out;
}

DIFFVERB_PART(models, sine_field, SineField,
              "The pressure in a room from a few microphones and the wave equation: diffverb field",
              "Pezzoli et al. 2023")

}  // namespace diffverb
