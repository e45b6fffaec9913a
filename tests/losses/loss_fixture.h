#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {

/// Noise that decays by 60 dB in t60_s, over a noise floor 90 dB below its start. [1, channels, length], float64.
inline at::Tensor decaying_noise(std::uint64_t seed, std::int64_t channels, std::int64_t length, double rate_hz,
                                 double t60_s) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto noise = at::randn({1, channels, length}, generator, at::kDouble);
  const auto floor = at::randn({1, channels, length}, generator, at::kDouble);
  const auto time_s = at::arange(length, at::kDouble) / rate_hz;
  return noise * at::pow(10.0, time_s * (-3 / t60_s)) + floor * 3e-5;
}

/// A loss with its keys as in a config: make_loss("level", "distance: squared").
inline std::unique_ptr<Loss> make_loss(const std::string& name, const std::string& yaml = "{}") {
  Fields fields = Fields::from_text(yaml);
  return family<Loss>().make(name, fields);
}

inline double value(Loss& loss, const at::Tensor& ir, const at::Tensor& target, double rate_hz) {
  return loss(Response(ir, rate_hz), Response(target, rate_hz)).item<double>();
}

}  // namespace diffverb
