#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/fields.h"
#include "datasets/simulate/room_simulator.h"

namespace diffverb {

/// From, to; a key reads it as a list of two numbers.
struct Span {
  double low = 0, high = 0;
};

/// The rooms of a simulated set, as configs/rooms.yaml describes them: ranges, from which every room is drawn by its
/// number and the seed alone.
///
/// A room is a box of a drawn volume. Its walls either have materials from a table, or absorb as much as a drawn
/// reverberation time asks for, unevenly from wall to wall and from band to band. A time that the walls of a volume
/// hardly ever have (mean absorption outside 0.015 .. 0.5) is drawn no more for it: closets are dry, halls ring.
///
/// Throws   ConfigError file:line:column for a range that is no range or that nothing fits into
class RoomRange {
 public:
  explicit RoomRange(Fields& fields);

  std::uint64_t seed = 1;
  std::int64_t rooms = 500;
  double length_s = 3;          // of a response, at most
  double trim_db = 90;          // it ends where all bands have fallen by so much; 0: always length_s
  SimulationSettings settings;  // rate_hz and what the images are drawn with
  Span sources{1, 2}, receivers{2, 4};
  double wall_distance_m = 0.25;  // at least, of sources and receivers; less in a room too narrow for it
  Span distance_m{0.5, 40};       // from source to receiver, as far as the room allows

  // Size: length >= width.
  Span volume_m3{2, 15000};
  Span aspect{1, 2};  // length over width
  Span height_m{2, 15};
  Span height_ratio{0.45, 0.95};  // height over the cube root of the volume, before height_m cuts it

  // Walls.
  double materials = 0.4;      // share of rooms whose walls have materials
  Span t60_s{0.15, 6};         // at 1 kHz
  Span low_ratio{0.6, 2.2};    // reverberation time at 125 Hz over that at 1 kHz
  Span high_ratio{0.35, 1.1};  // at 4 kHz over 1 kHz
  double roughness = 0.08;     // standard deviation of ln T from band to band
  Span unevenness{0.1, 1.2};   // standard deviation of ln absorption from wall to wall
  Span scattering{0.05, 0.5};  // at 1 kHz; less below, more above
  Span jitter_m{0, 0.12};      // images move by up to this much

  bool air = true;
  Span temperature_c{14, 28};
  Span humidity_pct{20, 80};

  /// Sources and receivers of a room.
  struct Places {
    std::vector<Point> sources, receivers;  // every receiver hears every source
  };

  SimulatedRoom draw_room(std::int64_t index) const;
  Places draw_places(std::int64_t index, const Point& size_m) const;
  std::int64_t pairs(std::int64_t index) const;  // sources times receivers, without drawing the room
  std::string room_name(std::int64_t index) const;
  std::uint64_t room_seed(std::int64_t index, const std::string& purpose) const;
  std::vector<double> bands_hz() const { return simulation_bands_hz(settings.rate_hz); }

 private:
  void read_size(Fields& fields);
  void read_walls(Fields& fields);
  void read_images(Fields& fields);
  Point draw_size(std::int64_t index) const;
  void draw_air(std::int64_t index, SimulatedRoom& room) const;
  bool draw_materials(std::int64_t index, SimulatedRoom& room) const;
  void draw_absorption(std::int64_t index, SimulatedRoom& room) const;

  Span length_m_, width_m_;  // where given instead of a volume
  bool by_sides_ = false;
};

}  // namespace diffverb
