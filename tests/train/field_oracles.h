#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A string of N + 1 points held at both ends and let go in a shape: two delay lines that reflect with -1, one sample a
/// step of dx / c. Exact at its points (Smith 1992, Physical modeling using digital waveguides).
class Waveguide {
 public:
  explicit Waveguide(std::vector<double> shape) : right_(shape), left_(std::move(shape)) {
    for (double& v : right_) v /= 2;
    for (double& v : left_) v /= 2;
  }
  double at(std::size_t point) const { return right_[point] + left_[point]; }
  void step() {
    const std::size_t last = right_.size() - 1;
    for (std::size_t i = last; i > 0; --i) right_[i] = right_[i - 1];
    for (std::size_t i = 0; i < last; ++i) left_[i] = left_[i + 1];
    right_[0] = -left_[0];
    left_[last] = -right_[last];
  }

 private:
  std::vector<double> right_, left_;
};

/// A membrane of (nx + 1) x (ny + 1) points held at its rim and let go in a shape: finite differences of second order in
/// space and time, Courant number 1/2.
class Membrane {
 public:
  template <class Shape>
  Membrane(int nx, int ny, const Shape& shape) : nx_(nx), ny_(ny), now_(size()), before_(size()) {
    for (int i = 0; i <= nx; ++i)
      for (int j = 0; j <= ny; ++j) now_[index(i, j)] = shape(i, j);
    before_ = now_;
    // It starts at rest: the first step goes half as far as one from a standstill of two steps would.
    for (int i = 1; i < nx; ++i)
      for (int j = 1; j < ny; ++j) before_[index(i, j)] += 0.5 * pull(i, j);
  }
  double at(int i, int j) const { return now_[index(i, j)]; }
  void step() {
    std::vector<double> next(size());
    for (int i = 1; i < nx_; ++i)
      for (int j = 1; j < ny_; ++j) next[index(i, j)] = 2 * now_[index(i, j)] - before_[index(i, j)] + pull(i, j);
    before_ = std::move(now_);
    now_ = std::move(next);
  }
  static constexpr double kCourant = 0.5;

 private:
  std::size_t size() const { return static_cast<std::size_t>((nx_ + 1) * (ny_ + 1)); }
  std::size_t index(int i, int j) const { return static_cast<std::size_t>(i * (ny_ + 1) + j); }
  double pull(int i, int j) const {
    return kCourant * kCourant *
           (now_[index(i - 1, j)] + now_[index(i + 1, j)] + now_[index(i, j - 1)] + now_[index(i, j + 1)] -
            4 * now_[index(i, j)]);
  }

  int nx_, ny_;
  std::vector<double> now_, before_;
};

}  // namespace diffverb
