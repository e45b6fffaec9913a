#include "runtime/delay_network_player.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/biquad.h"

namespace diffverb::runtime {
namespace {

using Entries = std::vector<MixingProduct::Entry>;

std::size_t size(int a) { return static_cast<std::size_t>(a); }

/// What row j of A and B takes from the rows of signals for which `wanted` holds.
template <typename Wanted>
Entries entries_of(const std::vector<float>& lines, const std::vector<float>& inputs, int row, const NetworkPlan& plan,
                   Wanted wanted) {
  const std::size_t n = plan.row_of_line.size(), channels = size(plan.rows) - n;
  Entries entries;
  const auto add = [&](int column, float gain) {
    if (gain != 0.0f && wanted(column)) entries.push_back({column, gain});
  };
  for (std::size_t i = 0; i < channels; ++i) add(static_cast<int>(i), inputs[size(row) * channels + i]);
  for (std::size_t k = 0; k < n; ++k) add(plan.row_of_line[k], lines[size(row) * n + k]);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.column < b.column; });
  return entries;
}

/// What row j of a turning matrix takes from the components that turned.
Entries components_of(const DelayNetworkWeights& w, int row) {
  Entries entries;
  for (int i = 0; i < w.lines; ++i) {
    if (const float gain = w.turn_left[size(row) * size(w.lines) + size(i)]; gain != 0.0f) entries.push_back({i, gain});
  }
  return entries;
}

/// What row j of a nonlinear loop takes from the products.
Entries products_of(const NonlinearLoop& loop, int row) {
  Entries entries;
  for (int r = 0; r < loop.rank; ++r) {
    if (const float gain = loop.out[size(row) * size(loop.rank) + size(r)]; gain != 0.0f) entries.push_back({r, gain});
  }
  return entries;
}

/// As many samples as the taps reach back, one more where the place is between two; behind a whole chunk where they are
/// read when that is done.
std::size_t ring_size(const DelayNetworkWeights& w, const PlannedRing& ring) {
  const auto reach = [&](const PlannedTap& tap) {
    const double depth = w.depth_of(tap.line);
    return tap.delay + (depth > 0 ? static_cast<int>(std::ceil(depth)) + 2 : 0);
  };
  int longest = 0;
  for (const PlannedTap& tap : ring.inner) longest = std::max(longest, reach(tap));
  for (const PlannedTap& tap : ring.outer)
    longest = std::max(longest, tap.delay > 0 ? reach(tap) + DelayNetworkPlayer::kChunk : 0);
  return size(longest);
}

}  // namespace

DelayNetworkPlayer::DelayNetworkPlayer(const DelayNetworkWeights& w) : line_motions_(w, kChunk) {
  const NetworkPlan plan = plan_network(w, kChunk);
  turning_ = TurningMatrix(w, plan.row_of_line, kChunk);
  nonlinear_ = NonlinearPlayer(w, plan.row_of_line, kChunk);
  std::size_t most_rings = 0, most_lanes = 0;
  for (const PlannedStage& planned : plan.stages) {
    stages_.push_back(make_stage(w, plan, planned));
    const std::vector<Level>& levels = stages_.back().levels;
    most_rings = std::max(most_rings, levels.back().first_ring + levels.back().rings.size());
    for (const Level& level : levels) most_lanes = std::max(most_lanes, size(level.lanes));
  }
  std::vector<Entries> rows;
  for (int o = 0; o < w.outputs; ++o) rows.push_back(entries_of(w.C, w.D, o, plan, [](int) { return true; }));
  output_ = MixingProduct(rows);
  // Four rings are turned into lanes at once, so that up to three rows behind the last one are touched.
  signals_.assign(size(plan.rows) * kStride, 0.0f);
  drive_.assign(most_rings * kStride, 0.0f);
  driven_.assign((most_rings + 3) * kStride, 0.0f);
  lanes_.assign(size(kChunk + kPad) * most_lanes, 0.0f);
}

DelayNetworkPlayer::Stage DelayNetworkPlayer::make_stage(const DelayNetworkWeights& w, const NetworkPlan& plan,
                                                         const PlannedStage& planned) const {
  const int first = planned.first_row, end = first + planned.inner_rows;
  Stage stage;
  stage.block = planned.block;
  std::vector<Entries> drive;
  for (const std::vector<PlannedRing>& rings : planned.levels) {
    Level level;
    level.first_ring = drive.size();
    std::vector<Entries> own, products;
    std::vector<std::vector<Biquad>> filters;
    for (const PlannedRing& ring : rings) {
      drive.push_back(entries_of(w.A, w.B, ring.line, plan, [&](int column) { return column < first; }));
      own.push_back(w.turning.empty() ? entries_of(w.A, w.B, ring.line, plan,
                                                   [&](int column) { return column >= first && column < end; })
                                      : components_of(w, ring.line));
      Ring& made = level.rings.emplace_back();
      if (w.nonlinear.is_there() && w.delays[size(ring.line)] > 0) made.nonlinear_line = ring.line;
      stage.has_delays = stage.has_delays || w.delays[size(ring.line)] > 0;
      if (w.nonlinear.rank > 0) products.push_back(products_of(w.nonlinear, ring.line));
      const auto add = [&](const PlannedTap& tap, std::vector<Tap>& delayed) {
        (tap.delay > 0 ? delayed : made.now).push_back({tap.delay, size(tap.row), line_motions_.row_of(tap.line)});
      };
      for (const PlannedTap& tap : ring.inner) add(tap, made.delayed);
      for (const PlannedTap& tap : ring.outer) add(tap, made.later);
      made.samples.assign(ring_size(w, ring), 0.0f);
      if (auto sections = line_filter(w, ring.line); !sections.empty()) filters.push_back(std::move(sections));
    }
    level.product = MixingProduct(own);
    level.products = MixingProduct(products);
    level.filtered = filters.size();
    for (const auto& sections : filters) level.sections = std::max(level.sections, static_cast<int>(sections.size()));
    level.lanes = filters.empty() ? 0 : padded_lanes(static_cast<int>(filters.size()));
    level.coefficients.assign(size(level.sections) * 6 * size(level.lanes), 0.0f);
    level.state.assign(size(level.sections) * 2 * size(level.lanes), 0.0f);
    for (std::size_t lane = 0; lane < filters.size(); ++lane) {
      filters[lane].resize(size(level.sections));  // filled up with identities
      for (std::size_t k = 0; k < filters[lane].size(); ++k)
        put(to_state_variable(filters[lane][k]), level.coefficients.data() + k * 6 * size(level.lanes) + lane,
            size(level.lanes));
    }
    stage.levels.push_back(std::move(level));
  }
  stage.drive = MixingProduct(drive);
  return stage;
}

void DelayNetworkPlayer::reset() noexcept {
  line_motions_.reset();
  turning_.reset();
  nonlinear_.reset();
  for (Stage& stage : stages_) {
    for (Level& level : stage.levels) {
      std::fill(level.state.begin(), level.state.end(), 0.0f);
      for (Ring& ring : level.rings) {
        std::fill(ring.samples.begin(), ring.samples.end(), 0.0f);
        ring.head = 0;
      }
    }
  }
}

namespace {

/// `count` samples of a ring from `delay` behind `head` on.
void read_ring(const std::vector<float>& ring, std::size_t head, std::size_t delay, std::size_t count,
               float* to) noexcept {
  const std::size_t from = head >= delay ? head - delay : head + ring.size() - delay;
  const std::size_t first = std::min(count, ring.size() - from);
  std::copy_n(ring.data() + from, first, to);
  std::copy_n(ring.data(), count - first, to + first);
}

void write_ring(std::vector<float>& ring, std::size_t& head, std::size_t count, const float* from) noexcept {
  const std::size_t first = std::min(count, ring.size() - head);
  std::copy_n(from, first, ring.data() + head);
  std::copy_n(from + first, count - first, ring.data());
  head = first < count ? count - first : head + first;
  if (head == ring.size()) head = 0;
}

}  // namespace

void DelayNetworkPlayer::read(const Ring& ring, const Tap& tap, std::size_t behind, std::size_t at,
                              std::size_t count) noexcept {
  float* to = signals_.data() + tap.row * kStride + at;
  if (tap.motion < 0) return read_ring(ring.samples, ring.head, behind, count, to);
  const std::size_t from = ring.head >= behind ? ring.head - behind : ring.head + ring.samples.size() - behind;
  read_at_moving_delay(ring.samples.data(), ring.samples.size(), from, line_motions_.whole(tap.motion) + at,
                       line_motions_.part(tap.motion) + at, static_cast<int>(count), to);
}

void DelayNetworkPlayer::filter(Level& level, int frames) noexcept {
  float* rows = driven_.data() + (level.rings.size() - level.filtered) * kStride;
  const auto count = static_cast<int>(level.filtered);
  interleave(rows, kStride, count, level.lanes, lanes_.data(), frames);
  filter_lanes({level.lanes, level.sections, level.coefficients.data(), level.state.data()}, lanes_.data(), frames);
  deinterleave(lanes_.data(), count, level.lanes, rows, kStride, frames);
}

/// Makes of A s + B u what the rings take in; `signals` begins at the block.
void DelayNetworkPlayer::add_nonlinear(const Level& level, Rows signals, int frames) noexcept {
  if (!level.products.is_empty())
    level.products.run(nonlinear_.products(), {driven_.data(), kStride}, driven_.data(), kStride, frames);
  for (std::size_t r = 0; r < level.rings.size(); ++r) {
    if (const int line = level.rings[r].nonlinear_line; line >= 0)
      nonlinear_.finish(line, signals, frames, driven_.data() + r * kStride);
  }
}

/// `frames` <= block samples that stand at `at` of the chunk.
void DelayNetworkPlayer::advance(Stage& stage, std::size_t at, int frames) noexcept {
  const std::size_t count = size(frames);
  for (const Level& level : stage.levels) {
    for (const Ring& ring : level.rings) {
      for (const Tap& tap : ring.delayed) read(ring, tap, size(tap.delay), at, count);
    }
  }
  const bool is_nonlinear = !nonlinear_.is_empty() && stage.has_delays;
  if (is_nonlinear) nonlinear_.follow({signals_.data() + at, kStride}, frames);
  for (Level& level : stage.levels) {
    Rows from{signals_.data() + at, kStride};
    if (!turning_.is_empty()) from = turning_.turned(from, at, frames);  // filter lines of earlier levels are in it now
    level.product.run(from, {drive_.data() + level.first_ring * kStride + at, kStride}, driven_.data(), kStride,
                      frames);
    if (is_nonlinear) add_nonlinear(level, {signals_.data() + at, kStride}, frames);
    if (level.filtered > 0) filter(level, frames);
    for (std::size_t r = 0; r < level.rings.size(); ++r) {
      Ring& ring = level.rings[r];
      const float* made = driven_.data() + r * kStride;
      for (const Tap& tap : ring.now) std::copy_n(made, count, signals_.data() + tap.row * kStride + at);
      if (!ring.samples.empty()) write_ring(ring.samples, ring.head, count, made);
    }
  }
}

void DelayNetworkPlayer::process(float* output, int frames) noexcept {
  const Rows signals{signals_.data(), kStride};
  if (!line_motions_.is_empty()) line_motions_.advance(signals, frames);
  if (!turning_.is_empty()) turning_.advance(frames);
  for (Stage& stage : stages_) {
    stage.drive.run(signals, {}, drive_.data(), kStride, frames);
    for (int done = 0; done < frames; done += stage.block)
      advance(stage, size(done), std::min(stage.block, frames - done));
    for (const Level& level : stage.levels) {
      for (const Ring& ring : level.rings) {
        for (const Tap& tap : ring.later) read(ring, tap, size(tap.delay) + size(frames), 0, size(frames));
      }
    }
  }
  output_.run(signals, {}, output, kStride, frames);
}

}  // namespace diffverb::runtime
