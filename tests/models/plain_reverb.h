#pragma once

#include <ATen/ops/tensor.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "models/network_model.h"

namespace diffverb {

/// All that went into a delay line, for reverberators written out sample by sample.
class Tape {
 public:
  void push(double value) { x_.push_back(value); }
  /// What will have been pushed `samples` before the value that is pushed next.
  double ago(std::int64_t samples) const {
    const auto at = static_cast<std::int64_t>(x_.size()) - samples;
    return at < 0 ? 0.0 : x_[static_cast<std::size_t>(at)];
  }
  /// The same between samples, by the cubic through the four around it, from Lagrange's definition.
  double between(double samples) const {
    const double whole = std::floor(samples), t = samples - whole;  // 0 .. 1 beyond `whole`
    double sum = 0;
    for (int k = -1; k <= 2; ++k) {
      double weight = 1;
      for (int l = -1; l <= 2; ++l) {
        if (l != k) weight *= (t - l) / (k - l);
      }
      sum += weight * ago(static_cast<std::int64_t>(whole) + k);
    }
    return sum;
  }

 private:
  std::vector<double> x_;
};

/// v = x + g w, y = d w - g v with w = v a while ago; returns y.
struct PlainAllpass {
  std::int64_t samples = 0;
  double g = 0, d = 1;
  Tape v{};

  double step(double x) { return step(x, v.ago(samples)); }
  double step(double x, double w) {
    const double in = x + g * w;
    v.push(in);
    return d * w - g * in;
  }
};

/// A section in direct form 2, transposed.
struct PlainSection {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
  double z1 = 0, z2 = 0;

  double step(double x) {
    const double y = b0 * x + z1;
    z1 = b1 * x - a1 * y + z2;
    z2 = b2 * x - a2 * y;
    return y;
  }
};

inline std::unique_ptr<NetworkModel> make_reverb(const std::string& name, const std::string& yaml = "{}") {
  Fields fields = Fields::from_text(yaml);
  auto model = family<Model>().make(name, fields);
  fields.finish();
  return std::unique_ptr<NetworkModel>(dynamic_cast<NetworkModel*>(model.release()));
}

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

inline DelayNetwork reverb_network(const std::string& name, double rate_hz, const std::string& yaml = "{}") {
  const at::NoGradGuard no_grad;
  return make_reverb(name, yaml)->network(rate_hz);
}

/// [O, I, T], float64
inline at::Tensor reverb_response(const std::string& name, double rate_hz, std::int64_t samples,
                                  const std::string& yaml = "{}") {
  const at::NoGradGuard no_grad;
  return impulse_response(reverb_network(name, rate_hz, yaml), samples).to(at::kDouble);
}

inline double distance(const at::Tensor& value, const std::vector<double>& expected) {
  const auto there = at::tensor(expected, at::kDouble);
  return ((value.reshape({-1}) - there).norm() / there.norm()).item<double>();
}

/// The first samples that are heard, 120 dB below the loudest: filters that undo each other leave a rest.
inline std::vector<std::int64_t> first_echoes(const at::Tensor& response, std::size_t count) {
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
