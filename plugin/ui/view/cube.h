#pragma once

#include <span>
#include <utility>

#include "plugin/ui/view/geometry.h"

namespace diffverb::ui {

/// A point of the latent cube, each coordinate on its way from 0 to 1.
struct CubePoint {
  double x = 0, y = 0, z = 0;
};

/// The cube as it is drawn: seen from the right and above in parallel projection, x to the right, y up, z away from the
/// eye, as large as fits the box.
class Cube {
 public:
  explicit Cube(const Box& box);

  Spot project(const CubePoint& point) const;
  /// The x and y that stand at a spot when z is as given, clamped into the cube: the inverse of project() in the plane
  /// that a drag moves in.
  CubePoint at(Spot spot, double z) const;
  /// The same for a movement, not clamped: what it adds to x and y.
  std::pair<double, double> moved(float dx, float dy) const;

  /// The twelve edges: first the three that meet in the hidden corner, then those that are in front.
  static std::span<const std::pair<CubePoint, CubePoint>> edges();
  static constexpr int kHiddenEdges = 3;

 private:
  Spot origin_;             // where (0, 0, 0) stands
  Spot x_, y_, z_;          // pixels per unit of each coordinate
  double determinant_ = 1;  // of the plane of x and y
};

}  // namespace diffverb::ui
