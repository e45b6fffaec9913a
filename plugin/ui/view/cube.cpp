#include "plugin/ui/view/cube.h"

#include <algorithm>
#include <cmath>

namespace diffverb::ui {
namespace {

// Directions of the axes in the picture, of a cube turned by 28 degrees and looked at from 20 degrees above.
constexpr double kTurn = 0.489, kTilt = 0.349;
const Spot kX{static_cast<float>(std::cos(kTurn)), static_cast<float>(std::sin(kTurn) * std::sin(kTilt))};
const Spot kY{0, static_cast<float>(-std::cos(kTilt))};
const Spot kZ{static_cast<float>(std::sin(kTurn)), static_cast<float>(-std::cos(kTurn) * std::sin(kTilt))};

Spot scaled(Spot spot, float factor) { return {spot.x * factor, spot.y * factor}; }

}  // namespace

Cube::Cube(const Box& box) {
  // All of them go right, y and z go up and x goes down: the extent is the sum of each direction's size.
  const float wide = kX.x + kZ.x, high = kX.y - kY.y - kZ.y;
  const float scale = std::max(1.f, std::min(box.w / wide, box.h / high));
  x_ = scaled(kX, scale);
  y_ = scaled(kY, scale);
  z_ = scaled(kZ, scale);
  const Spot centre = box.centre();
  origin_ = {centre.x - (x_.x + y_.x + z_.x) / 2, centre.y - (x_.y + y_.y + z_.y) / 2};
  determinant_ = static_cast<double>(x_.x) * y_.y - static_cast<double>(y_.x) * x_.y;
}

Spot Cube::project(const CubePoint& point) const {
  const auto x = static_cast<float>(point.x), y = static_cast<float>(point.y), z = static_cast<float>(point.z);
  return {origin_.x + x * x_.x + y * y_.x + z * z_.x, origin_.y + x * x_.y + y * y_.y + z * z_.y};
}

std::pair<double, double> Cube::moved(float dx, float dy) const {
  return {(static_cast<double>(dx) * y_.y - static_cast<double>(dy) * y_.x) / determinant_,
          (static_cast<double>(dy) * x_.x - static_cast<double>(dx) * x_.y) / determinant_};
}

CubePoint Cube::at(Spot spot, double z) const {
  const Spot foot = project({0, 0, z});
  const auto [x, y] = moved(spot.x - foot.x, spot.y - foot.y);
  return {std::clamp(x, 0.0, 1.0), std::clamp(y, 0.0, 1.0), z};
}

std::span<const std::pair<CubePoint, CubePoint>> Cube::edges() {
  // Seen from above and with z to the right, the corner that is farthest from the eye is that of small x, small y and
  // large z.
  static constexpr std::pair<CubePoint, CubePoint> kEdges[] = {
      {{0, 0, 1}, {1, 0, 1}}, {{0, 0, 1}, {0, 1, 1}}, {{0, 0, 1}, {0, 0, 0}},  // hidden
      {{0, 0, 0}, {1, 0, 0}}, {{1, 0, 0}, {1, 0, 1}}, {{1, 0, 1}, {1, 1, 1}},
      {{1, 1, 1}, {0, 1, 1}}, {{0, 1, 1}, {0, 1, 0}}, {{0, 1, 0}, {0, 0, 0}},
      {{0, 1, 0}, {1, 1, 0}}, {{1, 1, 0}, {1, 0, 0}}, {{1, 1, 0}, {1, 1, 1}},
  };
  return kEdges;
}

}  // namespace diffverb::ui
