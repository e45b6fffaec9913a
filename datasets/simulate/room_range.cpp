#include "datasets/simulate/room_range.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// A list of two numbers within `limits`, the second not below the first.
void read_span(Fields& fields, const std::string& key, Span& span, const Range& limits, const std::string& unit = "") {
  std::vector<double> values{span.low, span.high};
  fields.optional(key, values, limits, unit);
  if (values.size() != 2) {
    fields.fail(key, "expected two numbers, [from, to], got " + std::to_string(values.size()));
  }
  if (values[0] > values[1]) fields.fail(key, "expected [from, to] with from <= to");
  span = {values[0], values[1]};
}

void read_whole_span(Fields& fields, const std::string& key, Span& span, const Range& limits) {
  read_span(fields, key, span, limits);
  if (span.low != std::floor(span.low) || span.high != std::floor(span.high))
    fields.fail(key, "expected two whole numbers, [from, to]");
}

}  // namespace

RoomRange::RoomRange(Fields& fields) {
  fields.optional("seed", seed);
  fields.optional("rooms", rooms, between(1, 1e6));
  fields.optional("rate_hz", settings.rate_hz, between(4000, 192000), "Hz");
  fields.optional("length_s", length_s, between(0.01, 30), "s");
  fields.optional("trim_db", trim_db, between(0, 200), "dB");
  read_whole_span(fields, "sources", sources, between(1, 64));
  read_whole_span(fields, "receivers", receivers, between(1, 64));
  read_span(fields, "distance_m", distance_m, between(0.05, 1000), "m");
  fields.optional("wall_distance_m", wall_distance_m, between(0, 10), "m");
  read_size(fields);
  read_walls(fields);
  Fields of_air = fields.map("air");
  of_air.optional("absorbs", air);
  read_span(of_air, "temperature_c", temperature_c, between(-20, 50), "deg C");
  read_span(of_air, "humidity_pct", humidity_pct, between(5, 100), "%");
  read_images(fields);
}

void RoomRange::read_size(Fields& fields) {
  constexpr double kLeastSide = 0.3, kLongestSide = 300;
  Fields size = fields.map("size");
  by_sides_ = size.has("length_m") || size.has("width_m");
  if (by_sides_) {
    for (const char* key : {"volume_m3", "aspect", "height_ratio"})
      if (size.has(key)) size.fail(key, "length_m and width_m are given: expected either them or a volume");
    for (const char* key : {"length_m", "width_m", "height_m"})
      if (!size.has(key)) size.fail(key, "expected all of length_m, width_m and height_m");
    read_span(size, "length_m", length_m_, between(kLeastSide, kLongestSide), "m");
    read_span(size, "width_m", width_m_, between(kLeastSide, kLongestSide), "m");
  } else {
    read_span(size, "volume_m3", volume_m3, between(0.2, 1e6), "m^3");
    read_span(size, "aspect", aspect, between(1, 10));
    read_span(size, "height_ratio", height_ratio, between(0.1, 3));
  }
  read_span(size, "height_m", height_m, between(kLeastSide, kLongestSide), "m");
}

void RoomRange::read_walls(Fields& fields) {
  Fields walls = fields.map("walls");
  walls.optional("materials", materials, between(0, 1));
  read_span(walls, "t60_s", t60_s, between(0.02, 60), "s");
  read_span(walls, "low_ratio", low_ratio, between(0.1, 10));
  read_span(walls, "high_ratio", high_ratio, between(0.05, 10));
  walls.optional("roughness", roughness, between(0, 1));
  read_span(walls, "unevenness", unevenness, between(0, 3));
  read_span(walls, "scattering", scattering, between(0, 0.95));
  read_span(walls, "jitter_m", jitter_m, between(0, 1), "m");
}

void RoomRange::read_images(Fields& fields) {
  Fields images = fields.map("images");
  images.optional("most", settings.max_images, between(1, 1e8));
  images.optional("max_order", settings.max_order, between(0, 10000));
  images.optional("taps", settings.taps, between(3, 1023));
  if (settings.taps % 2 == 0) images.fail("taps", "expected an odd number");
  images.optional("phases", settings.phases, between(1, 4096));
  images.optional("tail", settings.tail);
  images.optional("high_pass_hz", settings.high_pass_hz, between(0, 200), "Hz");
}

std::uint64_t RoomRange::room_seed(std::int64_t index, const std::string& purpose) const {
  return derive_seed(seed, "room " + std::to_string(index) + " " + purpose);
}

std::string RoomRange::room_name(std::int64_t index) const {
  char text[64];
  std::snprintf(text, sizeof text, "simulated_%llu_%06lld", static_cast<unsigned long long>(seed),
                static_cast<long long>(index));
  return text;
}

}  // namespace diffverb
