#include "datasets/simulate/materials.h"

#include <algorithm>
#include <cmath>

namespace diffverb {
namespace {

using enum Surface;

constexpr Material kMaterials[] = {
    {"concrete floor", kFloor, {0.01, 0.01, 0.015, 0.02, 0.02, 0.02, 0.03}},
    {"linoleum on concrete", kFloor, {0.02, 0.02, 0.03, 0.03, 0.04, 0.04, 0.05}},
    {"parquet on battens", kFloor, {0.20, 0.15, 0.10, 0.10, 0.05, 0.05, 0.05}},
    {"parquet, glued", kFloor, {0.04, 0.04, 0.06, 0.07, 0.07, 0.07, 0.07}},
    {"wooden stage floor", kFloor, {0.40, 0.30, 0.20, 0.17, 0.15, 0.10, 0.10}},
    {"thin carpet on concrete", kFloor, {0.02, 0.04, 0.08, 0.20, 0.35, 0.40, 0.45}},
    {"thick carpet with underlay", kFloor, {0.08, 0.24, 0.45, 0.60, 0.65, 0.70, 0.70}},
    {"marble or tiles", kFloor, {0.01, 0.01, 0.01, 0.01, 0.02, 0.02, 0.02}},
    {"wooden chairs, empty", kFloor, {0.05, 0.06, 0.08, 0.10, 0.11, 0.11, 0.11}},
    {"upholstered seats, empty", kFloor, {0.30, 0.40, 0.55, 0.62, 0.65, 0.60, 0.58}},
    {"audience on upholstered seats", kFloor, {0.40, 0.55, 0.70, 0.80, 0.85, 0.85, 0.82}},
    {"rough concrete", kWall, {0.02, 0.03, 0.03, 0.03, 0.04, 0.07, 0.07}},
    {"brickwork, plain", kWall, {0.02, 0.03, 0.03, 0.04, 0.05, 0.07, 0.07}},
    {"plaster on masonry", kWall, {0.02, 0.02, 0.03, 0.03, 0.04, 0.05, 0.05}},
    {"lime wash on stone", kWall, {0.02, 0.02, 0.03, 0.04, 0.04, 0.05, 0.06}},
    {"plasterboard on studs", kWall, {0.28, 0.14, 0.09, 0.06, 0.05, 0.05, 0.05}},
    {"wood panels before a cavity", kWall, {0.40, 0.25, 0.15, 0.10, 0.08, 0.07, 0.07}},
    {"window glass", kWall, {0.30, 0.20, 0.12, 0.08, 0.06, 0.04, 0.04}},
    {"heavy glass", kWall, {0.12, 0.08, 0.05, 0.04, 0.03, 0.02, 0.02}},
    {"light curtain", kWall, {0.04, 0.10, 0.20, 0.35, 0.45, 0.50, 0.50}},
    {"heavy curtain, folded", kWall, {0.14, 0.35, 0.55, 0.72, 0.70, 0.65, 0.65}},
    {"book shelves", kWall, {0.25, 0.30, 0.35, 0.40, 0.40, 0.40, 0.40}},
    {"wool panels, 50 mm", kWall, {0.20, 0.55, 0.90, 0.95, 0.95, 0.95, 0.92}},
    {"perforated panels", kWall, {0.35, 0.70, 0.80, 0.55, 0.40, 0.35, 0.30}},
    {"ceramic tiles", kWall, {0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.02}},
    {"bass absorbing panels", kWall, {0.55, 0.45, 0.25, 0.15, 0.10, 0.08, 0.08}},
    {"plastered ceiling", kCeiling, {0.03, 0.03, 0.03, 0.04, 0.04, 0.05, 0.05}},
    {"concrete ceiling", kCeiling, {0.01, 0.01, 0.02, 0.02, 0.02, 0.03, 0.03}},
    {"suspended plasterboard", kCeiling, {0.25, 0.15, 0.10, 0.07, 0.06, 0.05, 0.05}},
    {"mineral fibre tiles", kCeiling, {0.35, 0.50, 0.65, 0.80, 0.80, 0.75, 0.70}},
    {"wooden ceiling", kCeiling, {0.20, 0.15, 0.12, 0.10, 0.08, 0.08, 0.08}},
    {"wood wool boards", kCeiling, {0.10, 0.20, 0.45, 0.60, 0.55, 0.65, 0.65}},
    {"sprayed plaster", kCeiling, {0.08, 0.25, 0.55, 0.70, 0.75, 0.75, 0.70}},
};

}  // namespace

std::span<const Material> materials() { return kMaterials; }

std::vector<const Material*> materials_of(Surface surface) {
  std::vector<const Material*> out;
  for (const Material& material : kMaterials)
    if (material.surface == surface) out.push_back(&material);
  return out;
}

double absorption_at(const Material& material, double hz) {
  const double place = std::clamp(std::log2(hz / 125), 0.0, 6.0);
  const int below = std::min(static_cast<int>(place), 5);
  const double share = place - below;
  return (1 - share) * material.absorption[below] + share * material.absorption[below + 1];
}

}  // namespace diffverb
