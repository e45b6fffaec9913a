#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/network/nonlinear_loop.h"
#include "core/tensor.h"
#include "models/knobs.h"
#include "models/network_model.h"
#include "models/signal_model.h"

namespace diffverb {

/// How alpha moves with time: drive(n) = bias + depth sin 2 pi (rate_hz n / fs + phase_turns).
struct AlphaDrive {
  at::Tensor bias, depth;  // numbers, float64
  double rate_hz = 0, phase_turns = 0;
};

/// The feedback delay network of jot_fdn with squares, products and saturation in its loop (core/network/nonlinear_loop.h
/// has the formulas and the bound of what comes out).
///
/// Everything that is learned stays within its range, so that the bound holds for any parameters; that the loop falls
/// silent is looked at when it is exported (runtime/stability.h). Alpha within alpha_range, rows of P and Q and columns of U of length 1,
/// the products together no stronger than kMostProducts, the limit at most 1.
///
/// Reads    the keys of jot_fdn, none that moves; in the map `nonlinear` alpha (at rest, while it is silent), alpha_range,
///          alpha_depth, alpha_rate_hz, alpha_phase_turns, alpha_slope, level_db, level_s, line_gain, limit, products,
///          product_gain, impulse_db, learn
/// Returns  forward(): without a "dry" the response to an impulse of impulse_db, which is not that of another height
/// Gradient to what jot_fdn learns, the numbers named in `learn`, and U, P, Q
class NonlinearFdn final : public SignalModel {
 public:
  static constexpr double kMostProducts = 0.01;

  explicit NonlinearFdn(Fields& f);

  std::int64_t inputs() const override { return network(at::kFloat).inputs(); }
  std::int64_t outputs() const override { return network(at::kFloat).outputs(); }
  double sample_rate_hz() const override { return linear_->sample_rate_hz(); }
  std::int64_t samples() const override { return linear_->samples(); }
  void move_to(at::Device device) override;
  std::map<std::string, at::Tensor> parameters() const override;
  at::Tensor play(const at::Tensor& input) const override;
  Response forward(const Response& target = {}) override;

  /// Its parts, as they are exported; delays are whole.
  DelayNetwork network(at::ScalarType dtype) const { return linear_->network(sample_rate_hz(), dtype); }
  NonlinearLoop loop(const DelayNetwork& network, std::int64_t samples) const;
  AlphaDrive alpha_drive() const;

 private:
  void read_alpha(Fields f);
  void read_products(Fields& f, std::int64_t lines, std::uint64_t seed);

  std::unique_ptr<NetworkModel> linear_;
  Knobs knobs_;
  std::vector<double> alpha_range_ = {0.001, 0.01};
  double alpha_phase_turns_ = 0, alpha_rate_hz_ = 0.3, level_db_ = -40, level_s_ = 0.05, impulse_db_ = 0;
  std::int64_t products_ = 2;
  std::map<std::string, at::Tensor> products_of_lines_;  // "out" [L, R], "left" and "right" [R, L], L lines with delay
};

}  // namespace diffverb
