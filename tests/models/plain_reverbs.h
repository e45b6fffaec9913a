#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/solvers/solvers.h"
#include "models/network_model.h"

namespace diffverb {

/// What the oracles of the classical reverberators are made of: a circular buffer that is read before it is written.
class PlainLine {
 public:
  explicit PlainLine(long samples = 1) : buffer_(static_cast<std::size_t>(samples)) {}
  double read() const { return buffer_[at_]; }  // what was written `samples` ago
  void write(double value) {
    buffer_[at_] = value;
    at_ = (at_ + 1) % buffer_.size();
  }

 private:
  std::vector<double> buffer_;
  std::size_t at_ = 0;
};

inline std::unique_ptr<Model> made_reverb(const std::string& name, const std::string& yaml = "{}") {
  Fields fields = Fields::from_text(yaml);
  auto model = family<Model>().make(name, fields);
  fields.finish();
  return model;
}

inline DelayNetwork reverb_network(const std::string& name, double rate_hz, const std::string& yaml = "{}") {
  const torch::NoGradGuard no_grad;
  const auto model = made_reverb(name, yaml);
  return dynamic_cast<const NetworkModel&>(*model).network(rate_hz);
}

/// [O, I, T], float64
inline torch::Tensor reverb_response(const std::string& name, double rate_hz, std::int64_t samples,
                                     const std::string& yaml = "{}") {
  const torch::NoGradGuard no_grad;
  return impulse_response(reverb_network(name, rate_hz, yaml), samples).to(torch::kFloat64);
}

inline double distance(const torch::Tensor& value, const std::vector<double>& expected) {
  const auto there = at::tensor(expected, torch::kFloat64);
  return ((value.reshape({-1}) - there).norm() / there.norm()).item<double>();
}

/// The first samples that are heard, 120 dB below the loudest: filters that undo each other leave a rest.
inline std::vector<std::int64_t> first_echoes(const torch::Tensor& response, std::size_t count) {
  const auto h = response.reshape({-1}).contiguous();
  const double least = 1e-6 * h.abs().max().item<double>();
  std::vector<std::int64_t> times;
  for (std::int64_t n = 0; n < h.numel() && times.size() < count; ++n) {
    if (std::abs(h.const_data_ptr<double>()[n]) > least) times.push_back(n);
  }
  return times;
}

inline bool plain_is_prime(long n) {
  for (long d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

}  // namespace diffverb
