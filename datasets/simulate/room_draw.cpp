// What RoomRange draws: the size, walls, air, sources and receivers of one room.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/seed.h"
#include "datasets/simulate/materials.h"
#include "datasets/simulate/room_range.h"

namespace diffverb {
namespace {

constexpr double kLeastMeanAbsorption = 0.015, kMostMeanAbsorption = 0.5;
constexpr double kLeastAbsorption = 0.003, kMostAbsorption = 0.99;  // of a wall, in one band

double uniform(Random& random, const Span& span) { return random.uniform(span.low, span.high); }

/// Equally likely in each octave.
double log_uniform(Random& random, const Span& span) {
  return span.low * std::exp(random.uniform() * std::log(span.high / span.low));
}

std::int64_t whole(Random& random, const Span& span) {
  return random.integer(static_cast<std::int64_t>(span.low), static_cast<std::int64_t>(span.high));
}

double mean_absorption(const std::array<double, 6>& shares, const std::array<double, 6>& walls) {
  double mean = 0;
  for (int w = 0; w < 6; ++w) mean += shares[w] * walls[w];
  return mean;
}

/// Mean absorption that Eyring's formula asks for, as far as walls go that far.
double absorption_for(const Point& size_m, double t60_s, double speed_m_s, double air_per_m) {
  const double volume = volume_m3(size_m);
  const double area = 24 * std::numbers::ln10 * volume / (speed_m_s * t60_s) - 4 * air_per_m * volume;
  return std::clamp(-std::expm1(-area / surface_m2(size_m)), kLeastAbsorption, kMostAbsorption);
}

/// How a reverberation time follows frequency: its ratio to that at 1 kHz.
double time_shape(double hz, double low_ratio, double high_ratio) {
  const double octaves = std::log2(hz / 1000);
  return octaves < 0 ? std::pow(low_ratio, octaves / -3) : std::pow(high_ratio, octaves / 2);
}

/// Absorption of walls in the given proportions, in one band, with which the room rings for t60_s.
std::array<double, 6> walls_for(const SimulatedRoom& room, std::size_t band, const std::array<double, 6>& proportions,
                                double t60_s) {
  constexpr int kHalvings = 10;
  std::array<std::vector<double>, 6> walls;
  const auto set_walls = [&](double scale) {
    for (int w = 0; w < 6; ++w) walls[w] = {std::clamp(scale * proportions[w], kLeastAbsorption, kMostAbsorption)};
  };
  const double air = room.air_per_m[band];
  const double mean = mean_absorption(wall_shares(room.size_m), proportions);
  const double guess = absorption_for(room.size_m, t60_s, room.speed_m_s, air) / mean;
  double low = guess / 16, high = guess * 16;  // uneven walls ring longer than Eyring's formula says
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = std::sqrt(low * high);
    set_walls(middle);
    const auto decay =
        energy_decay(room.size_m, walls, {room.scattering[band]}, room.speed_m_s, 2 * t60_s, t60_s / 100, 16);
    const double rings_s = decay_time_s(decay, 0, room.speed_m_s, air);  // 0: too long for the stretch to tell
    (rings_s == 0 || rings_s > t60_s ? low : high) = middle;
  }
  set_walls(std::sqrt(low * high));
  std::array<double, 6> out;
  for (int w = 0; w < 6; ++w) out[w] = walls[w][0];
  return out;
}

}  // namespace

Point RoomRange::draw_size(std::int64_t index) const {
  Random random(room_seed(index, "size"));
  if (by_sides_) return {uniform(random, length_m_), uniform(random, width_m_), uniform(random, height_m)};
  const double volume = log_uniform(random, volume_m3);
  const double height = std::clamp(std::cbrt(volume) * uniform(random, height_ratio), height_m.low, height_m.high);
  const double width = std::sqrt(volume / height / uniform(random, aspect));
  return {volume / height / width, width, height};
}

void RoomRange::draw_air(std::int64_t index, SimulatedRoom& room) const {
  Random random(room_seed(index, "air"));
  Air drawn;
  drawn.temperature_c = uniform(random, temperature_c);
  drawn.humidity_pct = uniform(random, humidity_pct);
  room.speed_m_s = speed_of_sound_m_s(drawn);
  for (const double hz : bands_hz()) room.air_per_m.push_back(air ? air_absorption_per_m(drawn, hz) : 0.0);
}

/// Walls of materials; false where the room would ring longer or shorter than t60_s allows.
bool RoomRange::draw_materials(std::int64_t index, SimulatedRoom& room) const {
  constexpr int kTries = 30;
  Random random(room_seed(index, "materials"));
  const auto bands = bands_hz();
  const auto shares = wall_shares(room.size_m);
  const auto floors = materials_of(Surface::kFloor), walls = materials_of(Surface::kWall),
             ceilings = materials_of(Surface::kCeiling);
  const auto pick = [&](const std::vector<const Material*>& from) {
    return from[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(from.size()) - 1))];
  };
  const auto middle = static_cast<std::size_t>(
      std::min_element(bands.begin(), bands.end(),
                       [](double a, double b) { return std::abs(a - 1000) < std::abs(b - 1000); }) -
      bands.begin());
  for (int i = 0; i < kTries; ++i) {
    const Material* common = pick(walls);  // most walls of a room are alike
    for (int w = 0; w < 6; ++w) {
      const Material* material = w == 4                   ? pick(floors)
                                 : w == 5                 ? pick(ceilings)
                                 : random.uniform() < 0.6 ? common
                                                          : pick(walls);
      const double varies = std::exp(0.15 * random.normal());
      room.absorption[w].clear();
      for (const double hz : bands)
        room.absorption[w].push_back(
            std::clamp(varies * absorption_at(*material, hz), kLeastAbsorption, kMostAbsorption));
    }
    std::array<double, 6> at_1k;
    for (int w = 0; w < 6; ++w) at_1k[w] = room.absorption[w][middle];
    const double t60 =
        eyring_time_s(room.size_m, mean_absorption(shares, at_1k), room.speed_m_s, room.air_per_m[middle]);
    if (t60 >= t60_s.low && t60 <= t60_s.high) return true;
  }
  return false;
}

/// Walls for a drawn reverberation time.
void RoomRange::draw_absorption(std::int64_t index, SimulatedRoom& room) const {
  Random random(room_seed(index, "absorption"));
  const auto bands = bands_hz();
  for (auto& wall : room.absorption) wall.clear();
  const double shortest = eyring_time_s(room.size_m, kMostMeanAbsorption, room.speed_m_s),
               longest = eyring_time_s(room.size_m, kLeastMeanAbsorption, room.speed_m_s);
  const Span times{std::clamp(shortest, t60_s.low, t60_s.high), std::clamp(longest, t60_s.low, t60_s.high)};
  const double t60 = log_uniform(random, times);
  const double low = log_uniform(random, low_ratio), high = log_uniform(random, high_ratio);
  const double uneven = uniform(random, unevenness);
  std::array<double, 6> wall_factor;
  for (double& factor : wall_factor) factor = uneven * random.normal();
  for (std::size_t b = 0; b < bands.size(); ++b) {
    const double target_s = t60 * time_shape(bands[b], low, high) * std::exp(roughness * random.normal());
    std::array<double, 6> proportions;
    for (int w = 0; w < 6; ++w) proportions[w] = std::exp(wall_factor[w] + 0.3 * uneven * random.normal());
    const auto walls = walls_for(room, b, proportions, target_s);
    for (int w = 0; w < 6; ++w) room.absorption[w].push_back(walls[w]);
  }
}

SimulatedRoom RoomRange::draw_room(std::int64_t index) const {
  SimulatedRoom room;
  room.size_m = draw_size(index);
  draw_air(index, room);
  Random random(room_seed(index, "kind"));
  const bool with_materials = random.uniform() < materials;
  room.jitter_m = uniform(random, jitter_m);
  const double scatters = uniform(random, scattering);
  for (const double hz : bands_hz())  // surfaces are smooth to long waves
    room.scattering.push_back(std::min(scatters * std::pow(hz / 1000, 0.4), 0.95));
  if (!with_materials || !draw_materials(index, room)) draw_absorption(index, room);
  return room;
}

std::int64_t RoomRange::pairs(std::int64_t index) const {
  Random random(room_seed(index, "counts"));
  const std::int64_t count = whole(random, sources);
  return count * whole(random, receivers);
}

RoomRange::Places RoomRange::draw_places(std::int64_t index, const Point& size_m) const {
  constexpr int kTries = 2000;
  Random counts(room_seed(index, "counts")), random(room_seed(index, "places"));
  const auto source_count = whole(counts, sources), receiver_count = whole(counts, receivers);
  std::array<Span, 3> inside;
  double longest_m = 0;
  for (int a = 0; a < 3; ++a) {
    const double wall = std::min(wall_distance_m, 0.2 * size_m[a]);
    inside[a] = {wall, size_m[a] - wall};
    longest_m += (size_m[a] - 2 * wall) * (size_m[a] - 2 * wall);
  }
  longest_m = std::sqrt(longest_m);
  const Span distances{std::min(distance_m.low, 0.25 * longest_m), std::min(distance_m.high, longest_m)};
  Places places;
  for (std::int64_t s = 0; s < source_count; ++s) {
    places.sources.push_back({uniform(random, inside[0]), uniform(random, inside[1]), uniform(random, inside[2])});
  }
  const auto apart = [&](const Point& at, double least_m) {
    return std::all_of(places.sources.begin(), places.sources.end(),
                       [&](const Point& s) { return std::hypot(at[0] - s[0], at[1] - s[1], at[2] - s[2]) >= least_m; });
  };
  for (std::int64_t r = 0; r < receiver_count; ++r) {
    const Point& source = places.sources[static_cast<std::size_t>(r) % places.sources.size()];  // each gets near ones
    Point at{};
    bool found = false;
    for (int i = 0; i < kTries && !found; ++i) {
      const double away = distances.high > distances.low ? log_uniform(random, distances) : distances.high;
      const double up = random.uniform(-1, 1), angle = random.uniform(0, 2 * std::numbers::pi);
      const double flat = away * std::sqrt(1 - up * up);
      at = {source[0] + flat * std::cos(angle), source[1] + flat * std::sin(angle), source[2] + away * up};
      found = apart(at, distances.low);
      for (int a = 0; a < 3; ++a) found = found && at[a] >= inside[a].low && at[a] <= inside[a].high;
    }
    for (int i = 0; !found && i < kTries; ++i) {  // crowded: anywhere that is not on top of a source
      at = {uniform(random, inside[0]), uniform(random, inside[1]), uniform(random, inside[2])};
      found = apart(at, 0.05 * longest_m);
    }
    places.receivers.push_back(at);
  }
  return places;
}

}  // namespace diffverb
