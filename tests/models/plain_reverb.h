#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "core/fields.h"
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

}  // namespace diffverb
