#include "datasets/simulate/image_source.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/error.h"
#include "core/seed.h"
#include "datasets/simulate/image_source_kernel.h"

namespace diffverb {
namespace {

constexpr double kMostImages = 1e10;
constexpr std::size_t kReadOver = 16;  // the kernel reads whole vectors

/// The images along one axis, from the most negative index on.
struct Axis {
  int first = 0;
  std::vector<double> offset_m;  // [U + pad]
  std::vector<float> gain;       // [K, U + pad]
  std::size_t stride = 0;

  int count() const { return static_cast<int>(stride - kReadOver); }
  int order(int i) const { return std::abs(first + i); }
};

/// How often an image of index u has met the near wall (at 0) and the far one.
std::array<int, 2> hits(int u) {
  const int n = std::abs(u), more = (n + 1) / 2, less = n / 2;
  return u > 0 ? std::array<int, 2>{less, more} : std::array<int, 2>{more, less};
}

Axis make_axis(const Shoebox& room, int axis, const ImageLimits& limits, double reach_m) {
  const double size = room.size_m[axis], source = room.source_m[axis], receiver = room.receiver_m[axis];
  const double most = std::min<double>(limits.max_order, reach_m / size + 2);
  const int last = static_cast<int>(most);
  Axis out;
  out.first = -last;
  out.stride = static_cast<std::size_t>(2 * last + 1) + kReadOver;
  out.offset_m.assign(out.stride, 0.0);
  out.gain.assign(room.bands() * out.stride, 0.0f);
  const auto& near = room.reflection[2 * axis];
  const auto& far = room.reflection[2 * axis + 1];
  for (int i = 0; i < out.count(); ++i) {
    const int u = out.first + i;
    out.offset_m[i] = u * size + (u % 2 == 0 ? source : size - source) - receiver;
    const auto met = hits(u);
    for (std::size_t b = 0; b < room.bands(); ++b)
      out.gain[b * out.stride + i] = static_cast<float>(std::pow(near[b], met[0]) * std::pow(far[b], met[1]));
  }
  return out;
}

void check(const Shoebox& room, const ImageLimits& limits, double rate_hz) {
  for (int a = 0; a < 3; ++a) {
    if (!(room.size_m[a] > 0)) throw ContractError("image_source: a room's sides must be longer than zero");
    for (const double at : {room.source_m[a], room.receiver_m[a]})
      if (!(at >= 0 && at <= room.size_m[a])) throw ContractError("image_source: a position is outside the room");
  }
  for (const auto& wall : room.reflection) {
    if (wall.size() != room.bands() || wall.empty())
      throw ContractError("image_source: each wall needs a reflection coefficient for each band");
    for (const double beta : wall)
      if (!(beta >= 0 && beta <= 1)) throw ContractError("image_source: a reflection coefficient is outside [0, 1]");
  }
  if (!(room.speed_m_s > 0 && rate_hz > 0)) throw ContractError("image_source: speed and rate must be above zero");
  if (limits.max_order < 0 || !(limits.max_distance_m > 0) || !(limits.fade_m >= 0) || !(limits.jitter_m >= 0))
    throw ContractError("image_source: a limit is negative");
}

/// The rows (v, w) of the lattice and, for each, which images along x are within the limits.
template <class Action>
void for_each_row(const std::array<Axis, 3>& axes, const ImageLimits& limits, double reach_m, const Action& action) {
  const Axis &x = axes[0], &y = axes[1], &z = axes[2];
  for (int w = 0; w < z.count(); ++w) {
    for (int v = 0; v < y.count(); ++v) {
      const std::int64_t left = std::int64_t{limits.max_order} - z.order(w) - y.order(v);
      const double square = y.offset_m[v] * y.offset_m[v] + z.offset_m[w] * z.offset_m[w];
      const double width_squared = reach_m * reach_m - square;
      if (left < 0 || !(width_squared >= 0)) continue;
      const double width = std::sqrt(width_squared);
      const auto* begin = x.offset_m.data();
      const int from = static_cast<int>(std::lower_bound(begin, begin + x.count(), -width) - begin);
      const int to = static_cast<int>(std::upper_bound(begin, begin + x.count(), width) - begin);
      const int low = static_cast<int>(std::max<std::int64_t>(from, -left - x.first));
      const int high = static_cast<int>(std::min<std::int64_t>(to, left - x.first + 1));
      if (low < high) action(v, w, low, high, square);
    }
  }
}

std::array<Axis, 3> make_axes(const Shoebox& room, const ImageLimits& limits, double reach_m) {
  double images = 1;  // an upper bound: the box around the sphere
  for (const double size : room.size_m) images *= 2 * std::min<double>(limits.max_order, reach_m / size + 2) + 1;
  if (!(images <= kMostImages)) throw ContractError("image_source: more than 1e10 images; lower the limits");
  return {make_axis(room, 0, limits, reach_m), make_axis(room, 1, limits, reach_m),
          make_axis(room, 2, limits, reach_m)};
}

/// Moves of the images: runs of one table, each row from a place of its own.
class Jitter {
 public:
  Jitter(const ImageLimits& limits, int longest_row) : size_m_(limits.jitter_m), seed_(limits.jitter_seed) {
    if (size_m_ == 0) return;
    Random random(seed_, "image jitter");
    table_.resize(kTable + static_cast<std::size_t>(longest_row) + kReadOver);
    for (std::size_t i = 0; i < kTable; ++i) table_[i] = static_cast<float>(random.uniform(-size_m_, size_m_));
    for (std::size_t i = kTable; i < table_.size(); ++i) table_[i] = table_[i - kTable];
  }
  /// The moves of a whole row from its first image on; null where nothing moves.
  const float* row(int v, int w) const {
    if (table_.empty()) return nullptr;
    const std::uint64_t key = static_cast<std::uint32_t>(v) | (static_cast<std::uint64_t>(w) << 32);
    return table_.data() + (derive_seed(seed_ ^ key, "row") & (kTable - 1));
  }

 private:
  static constexpr std::size_t kTable = 1 << 14;
  double size_m_;
  std::uint64_t seed_;
  std::vector<float> table_;
};

/// Every `step`-th row from `first` on.
void add_rows(const Shoebox& room, const ImageLimits& limits, double reach_m, const std::array<Axis, 3>& axes,
              const ImageGrid& grid, int first, int step) {
  const Jitter jitter(limits, axes[0].count());
  std::vector<float> row_gain(room.bands());
  int index = 0;
  for_each_row(axes, limits, reach_m, [&](int v, int w, int low, int high, double square) {
    if (index++ % step != first) return;
    for (std::size_t b = 0; b < room.bands(); ++b)
      row_gain[b] = axes[1].gain[b * axes[1].stride + v] * axes[2].gain[b * axes[2].stride + w];
    const auto add = [&](int from, int to, const float* moves) {
      ImageRow row;
      row.offset_m = axes[0].offset_m.data() + from;
      row.gain = axes[0].gain.data() + from;
      row.gain_stride = axes[0].stride;
      row.row_gain = row_gain.data();
      row.jitter_m = moves ? moves + from : nullptr;
      row.count = static_cast<std::size_t>(to - from);
      row.square_m2 = square;
      if (row.count > 0) add_image_row(grid, row);
    };
    const float* moves = jitter.row(v, w);
    const int middle = -axes[0].first;  // index 0: with v = w = 0 the direct sound, which stays
    if (moves && axes[1].order(v) == 0 && axes[2].order(w) == 0 && low <= middle && middle < high) {
      add(low, middle, moves);
      add(middle, middle + 1, nullptr);
      add(middle + 1, high, moves);
    } else {
      add(low, high, moves);
    }
  });
}

}  // namespace

std::int64_t count_images(const Shoebox& room, const ImageLimits& limits) {
  check(room, limits, 1);
  double reach = limits.max_distance_m;
  if (!std::isfinite(reach))  // no image of that order is farther
    reach = (limits.max_order + 2.0) * (room.size_m[0] + room.size_m[1] + room.size_m[2]);
  std::int64_t count = 0;
  for_each_row(make_axes(room, limits, reach), limits, reach,
               [&](int, int, int low, int high, double) { count += high - low; });
  return count;
}

BandTrains image_source(const Shoebox& room, const ImageLimits& limits, const FractionalDelay& delay,
                        std::size_t samples, double rate_hz, int threads) {
  check(room, limits, rate_hz);
  const double heard_m = (static_cast<double>(samples) + delay.half() + 1) * room.speed_m_s / rate_hz;
  const double reach_m = std::min(limits.max_distance_m, heard_m + limits.jitter_m);
  const auto axes = make_axes(room, limits, reach_m);

  BandTrains out;
  out.bands = room.bands();
  out.samples = samples;
  out.lead = static_cast<std::size_t>(delay.half());
  out.stride = out.lead + samples + 2 * delay.stride();
  out.data.assign(out.bands * out.stride, 0.0f);
  ImageGrid grid;
  grid.bands = out.bands;
  grid.samples_per_m = rate_hz / room.speed_m_s;
  grid.fade_m = limits.fade_m;
  grid.fade_from_m = limits.max_distance_m - limits.fade_m;
  grid.last_sample = static_cast<std::int64_t>(samples) + delay.half();
  grid.delay = &delay;
  grid.trains = out.data.data();
  grid.stride = out.stride;
  if (threads <= 1) {
    add_rows(room, limits, reach_m, axes, grid, 0, 1);
    return out;
  }
  std::vector<std::vector<float>> own(static_cast<std::size_t>(threads - 1), std::vector<float>(out.data.size()));
  std::vector<std::thread> workers;
  for (int t = 1; t < threads; ++t) {
    workers.emplace_back([&, t] {
      auto& trains = own[static_cast<std::size_t>(t - 1)];
      ImageGrid mine = grid;
      mine.trains = trains.data();
      add_rows(room, limits, reach_m, axes, mine, t, threads);
    });
  }
  add_rows(room, limits, reach_m, axes, grid, 0, threads);
  for (std::thread& worker : workers) worker.join();
  for (const auto& trains : own)
    for (std::size_t i = 0; i < trains.size(); ++i) out.data[i] += trains[i];
  return out;
}

}  // namespace diffverb
