#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <cmath>
#include <optional>
#include <sstream>
#include <vector>

#include "core/acoustics/fft.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Residual of the wave equation on a grid of microphones: what of a sound field is no sound field.
///
///   L = mean_b  |r|^2 / (|a|^2 + |l|^2 + floor),   r = a - l,   a = dt^2 d2p/dt2,   l = dt^2 c^2 sum_axes d2p/dx2
///
/// over the inner points of the grid and the inner samples; derivatives are central differences of `order` 2 or 4, so L
/// of a plane wave falls with the grid's spacing to the power 2 order. L is 0 for a field that obeys the equation, 1
/// where the two sides have nothing to do with each other, at most 2. Along axes with one point the field counts as
/// constant. Above to_hz (half the rate where null), where spacing or sampling is too coarse, the field is left out.
///
/// Nothing of the target is compared; its energy sets floor, 100 dB below its |a|^2 + |l|^2, so that silence has the value
/// and slope 0. value_at_target() is the target's own residual.
///
/// Reads    response.ir [B, C, T]: the pressure at C points, the last axis of `points` running fastest (none given: all
///          on a line), spacing_m of each axis or of all of them; target.ir of the same shape
/// Returns  scalar without unit, 0..2; blind to level
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where the channels are not the grid's points, or
///          where an axis or the response is shorter than the differences (order + 1); ConfigError for more than three
///          axes, or as many spacings as there are not
/// Source   Raissi, Perdikaris and Karniadakis 2019 (physics-informed networks); the central differences are Fornberg's
class WaveResidual final : public Loss {
 public:
  explicit WaveResidual(Fields& f) {
    f.optional("points", points_, at_least(1), "along each axis");
    if (points_.size() > 3) f.fail("points", "expected at most three axes, got " + std::to_string(points_.size()));
    f.optional("spacing_m", spacing_m_, above(0), "m");
    if (spacing_m_.size() != 1 && spacing_m_.size() != points_.size())
      f.fail("spacing_m", "expected one spacing, or one for each axis of points");
    f.optional("speed_m_s", speed_m_s_, above(0), "m/s");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    f.optional("order", order_, between(2, 4));
    if (order_ == 3) f.fail("order", "expected 2 or 4, got 3");
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;
  double value_at_target() const override { return at_target_.defined() ? at_target_.item<double>() : 0; }

 private:
  struct Sides {
    at::Tensor in_time, in_space;  // [B, X, Y, Z, T], inner points and samples
  };
  void check_grid(const at::Tensor& ir) const;
  at::Tensor field(const at::Tensor& ir) const;  // [B, X, Y, Z, T]
  at::Tensor inner(at::Tensor field, std::int64_t but) const;
  at::Tensor curvature(const at::Tensor& field, std::int64_t axis) const;
  Sides sides(const at::Tensor& ir) const;
  static at::Tensor power(const at::Tensor& x) { return x.square().sum({1, 2, 3, 4}); }

  std::vector<std::int64_t> points_;
  std::vector<double> spacing_m_ = {0.05};
  double speed_m_s_ = 343;
  std::optional<double> to_hz_;
  std::int64_t order_ = 2;
  CheckedTarget target_{"wave_residual"};
  std::vector<std::int64_t> grid_;  // three axes
  at::Tensor floor_;                // [B]
  at::Tensor at_target_;            // scalar
};

void WaveResidual::check_grid(const at::Tensor& ir) const {
  std::int64_t count = 1;
  bool any = false, wide = ir.size(2) > order_;
  for (const auto n : grid_) {
    count *= n;
    any |= n > 1;
    wide &= n == 1 || n > order_;
  }
  if (any && wide && count == ir.size(1)) return;
  std::ostringstream message;
  message << "wave_residual: expected the channels of a grid with more than " << order_
          << " points along each axis that has several, and more samples than that; got points "
          << at::IntArrayRef(grid_) << " and the target " << ir.sizes();
  throw ContractError(message.str());
}

at::Tensor WaveResidual::field(const at::Tensor& ir) const {
  at::Tensor heard = ir;
  if (to_hz_) {
    const std::int64_t length = ir.size(2);
    const auto size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(2 * length)));
    const auto kept = std::min(
        size / 2 + 1, 1 + static_cast<std::int64_t>(*to_hz_ / target_.sample_rate_hz() * static_cast<double>(size)));
    heard = at::fft_irfft(at::fft_rfft(ir, size).slice(2, 0, kept), size).slice(2, 0, length);
  }
  return heard.reshape({ir.size(0), grid_[0], grid_[1], grid_[2], ir.size(2)});
}

/// The points and samples at which every difference is known, along all axes `but` one.
at::Tensor WaveResidual::inner(at::Tensor field, std::int64_t but) const {
  for (std::int64_t axis = 1; axis < 5; ++axis) {
    if (axis != but && field.size(axis) > 1) field = field.slice(axis, order_ / 2, field.size(axis) - order_ / 2);
  }
  return field;
}

/// Second difference along an axis, times the square of its step.
at::Tensor WaveResidual::curvature(const at::Tensor& field, std::int64_t axis) const {
  static const std::vector<double> kSecond = {1, -2, 1}, kFourth = {-1. / 12, 4. / 3, -5. / 2, 4. / 3, -1. / 12};
  const auto& weights = order_ == 2 ? kSecond : kFourth;
  const auto part = inner(field, axis);
  const std::int64_t count = field.size(axis) - order_;
  at::Tensor sum;
  for (std::int64_t k = 0; k <= order_; ++k) {
    const auto term = part.narrow(axis, k, count) * weights[static_cast<std::size_t>(k)];
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

WaveResidual::Sides WaveResidual::sides(const at::Tensor& ir) const {
  const auto p = field(ir);
  const double step_m = speed_m_s_ / target_.sample_rate_hz();
  Sides out{curvature(p, 4), {}};
  for (std::int64_t axis = 1; axis < 4; ++axis) {
    if (p.size(axis) == 1) continue;
    const double spacing_m = spacing_m_.size() == 1 ? spacing_m_[0] : spacing_m_[static_cast<std::size_t>(axis - 1)];
    const auto term = curvature(p, axis) * std::pow(step_m / spacing_m, 2);
    out.in_space = out.in_space.defined() ? out.in_space + term : term;
  }
  return out;
}

void WaveResidual::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  grid_ = points_.empty() ? std::vector<std::int64_t>{ir.size(1)} : points_;
  grid_.resize(3, 1);
  check_grid(ir);
  const Sides known = sides(ir);
  floor_ = 1e-10 * (power(known.in_time) + power(known.in_space));
  at_target_ = evaluate(target).detach();
}

at::Tensor WaveResidual::evaluate(const Response& response) const {
  const Sides found = sides(target_.check(response));
  return (power(found.in_time - found.in_space) / (power(found.in_time) + power(found.in_space) + floor_)).mean();
}

}  // namespace

DIFFVERB_PART(losses, wave_residual, WaveResidual, "Residual of the wave equation on a grid of microphones",
              "Raissi et al. 2019")

}  // namespace diffverb
