#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace diffverb {

enum class Surface { kFloor, kWall, kCeiling };

/// Absorption of a common surface: random incidence, octaves 125 Hz .. 8 kHz, typical values as handbooks print them.
struct Material {
  std::string_view name;
  Surface surface;
  std::array<double, 7> absorption;
};

std::span<const Material> materials();

/// The materials of one kind of surface.
std::vector<const Material*> materials_of(Surface surface);

/// Absorption at a frequency: linear over octaves, constant outside 125 Hz .. 8 kHz.
double absorption_at(const Material& material, double hz);

}  // namespace diffverb
