#pragma once

namespace diffverb::runtime {

/// The straight line through points by least squares, point by point.
class LineFit {
 public:
  void add(double x, double y) { n_ += 1, x_ += x, y_ += y, xx_ += x * x, xy_ += x * y; }
  double points() const { return n_; }
  /// 0 where all points have one x, or there are none.
  double slope() const {
    const double determinant = n_ * xx_ - x_ * x_;
    return determinant > 0 ? (n_ * xy_ - x_ * y_) / determinant : 0;
  }
  /// The line at x = 0; of one point or more.
  double at_zero() const { return (y_ - slope() * x_) / n_; }

 private:
  double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, xy_ = 0;
};

}  // namespace diffverb::runtime
