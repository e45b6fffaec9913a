#include "runtime/delay_network_player.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

using Entries = std::vector<MixingProduct::Entry>;

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

/// As many samples as the taps reach back, one more where the place is between two.
std::size_t reach_of(const DelayNetworkWeights& w, const PlannedRing& ring) {
  int longest = 0;
  for (const auto* taps : {&ring.inner, &ring.outer}) {
    for (const PlannedTap& tap : *taps) {
      const double depth = w.depth_of(tap.line);
      longest = std::max(longest, tap.delay + (depth > 0 ? static_cast<int>(std::ceil(depth)) + 2 : 0));
    }
  }
  return size(longest);
}

std::vector<int> columns_of(const std::vector<Entries>& rows) {
  std::set<int> columns;
  for (const Entries& row : rows) {
    for (const auto& entry : row) columns.insert(entry.column);
  }
  return {columns.begin(), columns.end()};
}

/// Whether a product into lanes costs less than one over rows that are then laid into lanes.
bool is_dense(const std::vector<Entries>& rows, std::size_t columns) {
  std::size_t entries = 0;
  for (const Entries& row : rows) entries += row.size();
  return rows.size() >= 3 && 2 * entries >= rows.size() * columns;
}

}  // namespace

DelayNetworkPlayer::DelayNetworkPlayer(const DelayNetworkWeights& w) : line_motions_(w, kChunk) {
  const NetworkPlan plan = plan_network(w, kChunk);
  turning_ = TurningMatrix(w, plan.row_of_line, kChunk);
  nonlinear_ = NonlinearPlayer(w, plan.row_of_line, kChunk);
  std::size_t most_rings = 0, most_columns = 0;
  for (const PlannedStage& planned : plan.stages) {
    stages_.push_back(make_stage(w, plan, planned));
    for (const Level& level : stages_.back().levels) {
      most_rings = std::max(most_rings, level.rings.size());
      most_columns = std::max(most_columns, level.columns.size());
    }
  }
  std::vector<Entries> rows;
  for (int o = 0; o < w.outputs; ++o) rows.push_back(entries_of(w.C, w.D, o, plan, [](int) { return true; }));
  output_ = MixingProduct(rows);
  outputs_.assign(rows.size(), nullptr);
  signals_.assign(size(plan.rows) * kStride, 0.0f);
  rows_ = row_pointers<const float*>(signals_, size(plan.rows), kStride);
  lane_inputs_.assign(most_columns, nullptr);
  spare_.assign(kStride, 0.0f);
  targets_.assign(most_rings + 3, spare_.data());
}

DelayNetworkPlayer::Tap DelayNetworkPlayer::tap_of(const PlannedTap& tap) const {
  return {size(tap.delay), size(tap.row), line_motions_.row_of(tap.line)};
}

DelayNetworkPlayer::Stage DelayNetworkPlayer::make_stage(const DelayNetworkWeights& w, const NetworkPlan& plan,
                                                         const PlannedStage& planned) const {
  Stage stage;
  stage.block = planned.block;
  std::set<std::size_t> earlier;
  for (const std::vector<PlannedRing>& rings : planned.levels) {
    stage.levels.push_back(make_level(w, plan, planned, rings));
    for (const PlannedRing& ring : rings) {
      stage.has_delays = stage.has_delays || w.delays[size(ring.line)] > 0;
      for (const auto& entry : entries_of(w.A, w.B, ring.line, plan, [&](int c) { return c < planned.first_row; }))
        earlier.insert(size(entry.column));
    }
    for (std::size_t r = 0; r < rings.size(); ++r) {
      const auto place = [&](const std::vector<PlannedTap>& taps, std::vector<RingTap>& to) {
        for (const PlannedTap& tap : taps) {
          if (tap.delay > 0) to.push_back({stage.levels.size() - 1, r, tap_of(tap)});
        }
      };
      place(rings[r].inner, stage.delayed);
      place(rings[r].outer, stage.later);
    }
  }
  stage.earlier.assign(earlier.begin(), earlier.end());
  return stage;
}

DelayNetworkPlayer::Level DelayNetworkPlayer::make_level(const DelayNetworkWeights& w, const NetworkPlan& plan,
                                                         const PlannedStage& stage,
                                                         const std::vector<PlannedRing>& rings) const {
  const int first = stage.first_row, end = first + stage.inner_rows;
  Level level;
  std::vector<Entries> all, earlier, own, products;
  std::vector<std::vector<Biquad>> filters;
  for (const PlannedRing& ring : rings) {
    earlier.push_back(entries_of(w.A, w.B, ring.line, plan, [&](int c) { return c < first; }));
    own.push_back(w.turning.empty()
                      ? entries_of(w.A, w.B, ring.line, plan, [&](int c) { return c >= first && c < end; })
                      : components_of(w, ring.line));
    all.push_back(earlier.back());
    all.back().insert(all.back().end(), own.back().begin(), own.back().end());
    Ring& made = level.rings.emplace_back();
    if (w.nonlinear.is_there() && w.delays[size(ring.line)] > 0) made.nonlinear_line = ring.line;
    if (w.nonlinear.rank > 0) products.push_back(products_of(w.nonlinear, ring.line));
    for (const auto* taps : {&ring.inner, &ring.outer}) {
      for (const PlannedTap& tap : *taps) {
        if (tap.delay == 0) made.now.push_back(tap_of(tap));
      }
    }
    if (const std::size_t reach = reach_of(w, ring); reach > 0) made.memory = DelayRing(reach);
    if (auto sections = line_filter(w, ring.line); !sections.empty()) filters.push_back(std::move(sections));
  }
  level.unfiltered = rings.size() - filters.size();
  if (!filters.empty()) level.filters = LineFilters(filters, kChunk);
  level.products = MixingProduct(products);
  if (!w.turning.empty()) {
    level.product = MixingProduct(earlier);
    level.addition = MixingProduct(own);
    return level;
  }
  level.columns = columns_of(all);
  if (level.unfiltered == 0 && level.filters.in_lanes() && !w.nonlinear.is_there() &&
      is_dense(all, level.columns.size())) {
    const std::size_t lanes = size(level.filters.lanes());
    level.lane_gains.assign(level.columns.size() * lanes, 0.0f);
    for (std::size_t r = 0; r < all.size(); ++r) {
      for (const auto& entry : all[r]) {
        const auto column = std::lower_bound(level.columns.begin(), level.columns.end(), entry.column);
        level.lane_gains[size(static_cast<int>(column - level.columns.begin())) * lanes + r] = entry.gain;
      }
    }
    return level;
  }
  level.columns.clear();
  level.product = MixingProduct(all);
  if (MixingProduct alone(own); alone.has_dense_rows() && !level.product.has_dense_rows()) {
    level.product = MixingProduct(earlier);
    level.addition = std::move(alone);
  }
  return level;
}

void DelayNetworkPlayer::reset() noexcept {
  line_motions_.reset();
  turning_.reset();
  nonlinear_.reset();
  for (Stage& stage : stages_) {
    for (Level& level : stage.levels) {
      level.filters.reset();
      for (Ring& ring : level.rings) ring.memory.reset();
    }
  }
}

/// `frames` samples of a moving tap from `behind` before the ring's head on, which stand at `at` of the chunk.
void DelayNetworkPlayer::read_moving(const Ring& ring, const Tap& tap, std::size_t behind, std::size_t at,
                                     int frames) noexcept {
  read_at_moving_delay(ring.memory.data(), ring.memory.size(), ring.memory.place(behind),
                       line_motions_.whole(tap.motion) + at, line_motions_.part(tap.motion) + at, frames,
                       own(tap) + at);
}

void DelayNetworkPlayer::mix_in_lanes(Level& level, int frames) noexcept {
  for (std::size_t c = 0; c < level.columns.size(); ++c) lane_inputs_[c] = rows_[size(level.columns[c])];
  level.filters.run({level.lane_gains.data(), static_cast<int>(level.columns.size()), lane_inputs_.data()},
                    targets_.data(), frames);
}

void DelayNetworkPlayer::advance(Level& level, const Stage& stage, std::size_t at, int frames) noexcept {
  const std::size_t rings = level.rings.size();
  for (std::size_t r = 0; r < rings; ++r) {
    Ring& ring = level.rings[r];
    targets_[r] = ring.memory.is_empty() ? own(ring.now[0]) + at : ring.memory.head();
    for (const Tap& tap : ring.now) rows_[tap.row] = targets_[r];
  }
  std::fill_n(targets_.begin() + static_cast<std::ptrdiff_t>(rings), 3, spare_.data());
  if (!level.columns.empty()) {
    mix_in_lanes(level, frames);
  } else {
    level.product.run(rows_.data(), targets_.data(), false, frames);
    if (!level.addition.is_empty()) {
      // Filter lines of earlier levels are in what turns by now.
      const float* const* from = turning_.is_empty() ? rows_.data() : turning_.turned(rows_.data(), at, frames);
      level.addition.run(from, targets_.data(), true, frames);
    }
    if (!nonlinear_.is_empty() && stage.has_delays) {
      if (!level.products.is_empty()) level.products.run(nonlinear_.products(), targets_.data(), true, frames);
      for (std::size_t r = 0; r < rings; ++r) {
        if (const int line = level.rings[r].nonlinear_line; line >= 0)
          nonlinear_.finish(line, rows_.data(), frames, targets_[r]);
      }
    }
    if (level.unfiltered < rings) level.filters.run(targets_.data() + level.unfiltered, frames);
  }
  for (Ring& ring : level.rings) {
    if (!ring.memory.is_empty()) ring.memory.advance(size(frames));
  }
}

/// `frames` <= block samples that stand at `at` of the chunk.
void DelayNetworkPlayer::advance(Stage& stage, std::size_t at, int frames) noexcept {
  for (const RingTap& place : stage.delayed) {
    const Tap& tap = place.tap;
    const Ring& ring = stage.ring_of(place);
    if (tap.motion >= 0) read_moving(ring, tap, tap.delay, at, frames);
    rows_[tap.row] = tap.motion >= 0 ? own(tap) + at : ring.memory.behind(tap.delay);
  }
  if (!nonlinear_.is_empty() && stage.has_delays) nonlinear_.follow(rows_.data(), frames);
  for (Level& level : stage.levels) advance(level, stage, at, frames);
}

/// After several blocks: the signals of the stage from the chunk's beginning on, as one block leaves them.
void DelayNetworkPlayer::end_blocks(const Stage& stage, int frames) noexcept {
  for (const std::size_t row : stage.earlier) rows_[row] -= (frames - 1) / stage.block * stage.block;
  for (const Level& level : stage.levels) {
    for (const Ring& ring : level.rings) {
      for (const Tap& tap : ring.now)
        rows_[tap.row] = ring.memory.is_empty() ? own(ring.now[0]) : ring.memory.behind(size(frames));
    }
  }
  for (const RingTap& place : stage.delayed) {
    const Tap& tap = place.tap;
    rows_[tap.row] = tap.motion >= 0 ? own(tap) : stage.ring_of(place).memory.behind(tap.delay + size(frames));
  }
}

/// What only later stages and the outputs read, from the chunk's beginning on.
void DelayNetworkPlayer::read_later(const Stage& stage, int frames) noexcept {
  for (const RingTap& place : stage.later) {
    const Tap& tap = place.tap;
    const Ring& ring = stage.ring_of(place);
    if (tap.motion >= 0) read_moving(ring, tap, tap.delay + size(frames), 0, frames);
    rows_[tap.row] = tap.motion >= 0 ? own(tap) : ring.memory.behind(tap.delay + size(frames));
  }
}

void DelayNetworkPlayer::process(float* output, int frames) noexcept {
  if (!line_motions_.is_empty()) line_motions_.advance({signals_.data(), kStride}, frames);
  if (!turning_.is_empty()) turning_.advance(frames);
  for (Stage& stage : stages_) {
    for (int done = 0; done < frames; done += stage.block) {
      if (done > 0) {
        for (const std::size_t row : stage.earlier) rows_[row] += stage.block;
      }
      advance(stage, size(done), std::min(stage.block, frames - done));
    }
    if (frames > stage.block) end_blocks(stage, frames);
    read_later(stage, frames);
  }
  for (std::size_t o = 0; o < outputs_.size(); ++o) outputs_[o] = output + o * kStride;
  output_.run(rows_.data(), outputs_.data(), false, frames);
}

}  // namespace diffverb::runtime
