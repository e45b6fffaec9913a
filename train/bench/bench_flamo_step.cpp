#include "train/bench/bench_flamo_step.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/filters/graphic_equaliser.h"
#include "core/matrices/haar.h"
#include "core/matrices/matrix_exponential.h"
#include "core/seed.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 48000;
constexpr std::int64_t kBins = FlamoStart::kFftSize / 2 + 1;

std::unique_ptr<Loss> make(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  return family<Loss>().make(fields);
}

FlamoStart start_with(std::vector<std::int64_t> delays) {
  const auto lines = static_cast<std::int64_t>(delays.size());
  FlamoStart start;
  start.delays = std::move(delays);
  start.parameters["input_gain"] = normal_matrix(lines, 1, 11).to(at::kFloat);
  start.parameters["output_gain"] = normal_matrix(1, lines, 12).to(at::kFloat);
  start.parameters["matrix"] = normal_matrix(lines, lines, 13).to(at::kFloat);
  return start;
}

/// Mean of (|H| - 1)^2 and 0.2 sparsity.
class ColorlessStep final : public FlamoStep {
 public:
  ColorlessStep(const FlamoStart& start, at::ScalarType type) : FlamoStep(start, 1e-3, type) {
    Response flat(kRateHz);
    flat.set_transfer_function(at::ones({1, 1, 1, kBins}, complex_type()));
    magnitude_->prepare(flat);
  }

 private:
  at::Tensor loss() override {
    DelayNetwork network = network_;
    network.a = feedback_matrix();
    network.b = parameters_["input_gain"];
    network.c = parameters_["output_gain"];
    Response response(kRateHz);
    response.set_transfer_function(frequency_response(network, omega_, radius_).unsqueeze(0));
    response.set("feedback_matrix", network.a);
    return magnitude_->evaluate(response) + 0.2 * sparsity_->evaluate(response);
  }

  std::unique_ptr<Loss> magnitude_ = make("type: magnitude"), sparsity_ = make("type: sparsity");
};

/// FLAMO's loop has the equaliser behind the matrix and the input before the delays: with D the delays alone and
/// G = D times the equalisers,
///
///   H = C (I - G A)^-1 D B = (C + W A) D B,   W = C (I - G A)^-1 G
///
/// and W is the transposed network's response from C to all lines.
class E8Step final : public FlamoStep {
 public:
  E8Step(const FlamoStart& start, at::ScalarType type) : FlamoStep(start, 1e-2, type) {
    const auto lines = network_.lines();
    network_.c = at::eye(lines, options());
    network_.d = at::zeros({lines, 1}, options());
    const auto samples = at::arange(FlamoStart::kFftSize, at::kDouble);
    envelope_ = at::pow(radius_, samples).to(type);
    const auto angle = -network_.delays.unsqueeze(1) * omega_.unsqueeze(0);
    const auto size = at::pow(1 / radius_, network_.delays).unsqueeze(1).expand_as(angle);
    delays_ = at::view_as_real(at::polar(size, angle).to(complex_type())).reshape({lines, 2 * kBins});
    Response target(start.target.to(type).reshape({1, 1, -1}), kRateHz);
    stft_->prepare(target);
  }

 private:
  at::Tensor loss() override {
    const auto a = feedback_matrix(), b = parameters_["input_gain"], c = parameters_["output_gain"];
    const std::int64_t lines = a.size(0);
    const auto gain_db = parameters_["attenuation"].t().to(at::kDouble).sigmoid().log10() * 20;
    DelayNetwork network = network_;
    network.a = a.t();
    network.b = c.t();
    network.line_sos = graphic_equaliser_sos(gain_db, kCentresHz, 1, kRateHz);
    const auto w = frequency_response(network, omega_, radius_).squeeze(1);  // [N, K]
    const auto gains = at::cat({a, c}) * b.t();
    const auto e = at::view_as_complex(at::mm(gains, delays_).reshape({lines + 1, kBins, 2}));
    const auto h = (w * e.narrow(0, 0, lines)).sum(0) + e[lines];
    const auto ir = at::fft_irfft(h, FlamoStart::kFftSize) * envelope_;
    Response response(ir.reshape({1, 1, -1}), kRateHz);
    response.set("feedback_matrix", a);
    return stft_->evaluate(response) + sparsity_->evaluate(response);
  }

  const std::vector<double> kCentresHz = {62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000};
  std::unique_ptr<Loss> stft_ = make(
      "{type: mr_stft, fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, 240], "
      "padding: reflect, floor_power: 1e-8}");
  std::unique_ptr<Loss> sparsity_ = make("type: sparsity");
  at::Tensor envelope_;  // [T]
  at::Tensor delays_;    // [N, 2 K] D, real and imaginary parts side by side
};

}  // namespace

FlamoStart FlamoStart::colorless(std::int64_t lines) {
  switch (lines) {
    case 4:
      return start_with({1499, 1889, 2381, 2999});
    case 6:
      return start_with({887, 911, 941, 1699, 1951, 2053});
    case 8:
      return start_with({809, 877, 937, 1049, 1151, 1249, 1373, 1499});
    case 16:
      return start_with({797, 839, 887, 929, 977, 1031, 1091, 1151, 1213, 1279, 1361, 1433, 1511, 1597, 1693, 1801});
    default:
      throw ContractError("FlamoStart: there are 4, 6, 8 or 16 lines");
  }
}

FlamoStart FlamoStart::e8(std::int64_t lines) {
  if (lines != 6 && lines != 8) throw ContractError("FlamoStart: there are 6 or 8 lines");
  FlamoStart start = start_with(lines == 6 ? std::vector<std::int64_t>{593, 743, 929, 1153, 1399, 1699}
                                           : std::vector<std::int64_t>{593, 691, 797, 929, 1069, 1223, 1409, 1699});
  Random random(1, "bench flamo_e8");
  std::vector<float> attenuation, target;
  for (std::int64_t i = 0; i < 12 * lines; ++i) attenuation.push_back(static_cast<float>(random.uniform(0.5, 2)));
  start.parameters["attenuation"] = at::tensor(attenuation).reshape({12, lines});
  for (std::int64_t n = 0; n < kFftSize; ++n) {
    const double level = 0.25 * std::pow(10.0, -3 * static_cast<double>(n) / (0.7 * kRateHz)) + 1e-4;
    target.push_back(static_cast<float>(level * random.normal()));
  }
  start.target = at::tensor(target);
  return start;
}

FlamoStep::FlamoStep(const FlamoStart& start, double rate, at::ScalarType type) : rate_(rate), type_(type) {
  const auto lines = static_cast<std::int64_t>(start.delays.size());
  network_.a = at::zeros({lines, lines}, options());
  network_.d = at::zeros({1, 1}, options());
  network_.delays = at::tensor(start.delays, at::kDouble);
  network_.line_sos = at::zeros({lines, 0, 5}, at::kDouble);
  network_.sample_rate_hz = kRateHz;
  omega_ = at::arange(kBins, at::kDouble) * (2 * std::numbers::pi / FlamoStart::kFftSize);
  radius_ = std::pow(10.0, FlamoStart::kAliasDecayDb / FlamoStart::kFftSize / 20);
  for (const auto& [name, value] : start.parameters) {
    parameters_[name] = value.detach().to(type, false, true).set_requires_grad(true);
    values_.push_back(parameters_[name]);
    first_.push_back(at::zeros(value.sizes(), options()));
    second_.push_back(at::zeros(value.sizes(), options()));
    steps_.push_back(at::zeros({}));
  }
}

at::Tensor FlamoStep::feedback_matrix() const {
  const auto upper = parameters_.at("matrix").triu(1);
  return matrix_exponential(upper - upper.t());
}

double FlamoStep::run() {
  for (auto& value : values_) value.mutable_grad() = at::Tensor();
  const auto value = loss();
  value.backward();
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : values_) gradients.push_back(parameter.grad());
  for (auto& count : steps_) count.add_(1);
  at::_fused_adam_(values_, gradients, first_, second_, {}, steps_, rate_, 0.9, 0.999, 0, 1e-8, false, false);
  return value.item<double>();
}

std::map<std::string, at::Tensor> FlamoStep::gradients() const {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, parameter] : parameters_) out[name] = parameter.grad().clone();
  return out;
}

std::unique_ptr<FlamoStep> make_colorless_step(const FlamoStart& start, at::ScalarType type) {
  return std::make_unique<ColorlessStep>(start, type);
}
std::unique_ptr<FlamoStep> make_e8_step(const FlamoStart& start, at::ScalarType type) {
  return std::make_unique<E8Step>(start, type);
}

}  // namespace diffverb
