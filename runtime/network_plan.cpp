#include "runtime/network_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <utility>

#include "runtime/network_graph.h"
#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

/// Stages of at least this block length are joined: two passes over the filters cost more than shorter blocks do.
constexpr int kLongEnough = 64;

template <typename T>
bool equal_rows(const std::vector<T>& values, std::size_t row_length, int a, int b) {
  const auto row = [&](int j) { return values.begin() + static_cast<std::ptrdiff_t>(size(j) * row_length); };
  return std::equal(row(a), row(a + 1), row(b));
}

class Planner {
 public:
  Planner(const DelayNetworkWeights& w, int longest_block)
      : w_(w), couplings_(line_couplings(w)), longest_block_(longest_block) {
    if (w.nonlinear.is_there()) couple_all_delays();
    for (int j = 0; j < w.lines; ++j) {
      const auto same = std::find_if(rings_.begin(), rings_.end(),
                                     [&](const std::vector<int>& lines) { return share_ring(w, lines[0], j); });
      if (same == rings_.end())
        rings_.push_back({j});
      else
        same->push_back(j);
    }
    graph_.resize(rings_.size());
    for (std::size_t from = 0; from < rings_.size(); ++from) {
      for (std::size_t to = 0; to < rings_.size(); ++to) {
        if (std::any_of(rings_[from].begin(), rings_[from].end(),
                        [&](int k) { return feeds(k, static_cast<int>(to)); }))
          graph_[from].push_back(static_cast<int>(to));
      }
    }
  }

  NetworkPlan run() {
    NetworkPlan plan;
    plan.rows = w_.inputs;
    plan.row_of_line.assign(size(w_.lines), 0);
    for (const std::vector<int>& members : stages()) add_stage(plan, members);
    return plan;
  }

 private:
  /// The level that a nonlinear loop follows is that of all lines that have a delay.
  void couple_all_delays() {
    for (std::size_t j = 0; j < size(w_.lines); ++j) {
      for (std::size_t k = 0; k < size(w_.lines); ++k) {
        if (w_.delays[j] > 0 && w_.delays[k] > 0) couplings_[j * size(w_.lines) + k] = true;
      }
    }
  }

  bool feeds(int line, int ring) const { return couplings_[size(rings_[size(ring)][0]) * size(w_.lines) + size(line)]; }
  bool feeds_any(int line, const std::vector<int>& rings) const {
    return std::any_of(rings.begin(), rings.end(), [&](int ring) { return feeds(line, ring); });
  }

  /// The most samples that these rings can advance at once.
  int block_of(const std::vector<int>& rings) const {
    int block = longest_block_;
    for (const int ring : rings) {
      for (const int line : rings_[size(ring)]) {
        const int delay = w_.delays[size(line)];
        if (delay == 0 || !feeds_any(line, rings)) continue;
        // What is read with a moving delay reaches two samples ahead of the place.
        const double depth = w_.depth_of(line);
        block = std::min(block, depth > 0 ? std::max(1, static_cast<int>(std::floor(delay - depth)) - 2) : delay);
      }
    }
    return block;
  }

  /// Groups joined where none feeds another (they stand equally deep) and their blocks go together.
  std::vector<std::vector<int>> stages() const {
    if (!w_.turning.empty()) {  // pairs may take from anywhere: one stage, whose matrix turns as a whole
      std::vector<int> all(rings_.size());
      std::iota(all.begin(), all.end(), 0);
      return {all};
    }
    const auto groups = connected_groups(graph_);
    std::vector<int> group_of(rings_.size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const int ring : groups[g]) group_of[size(ring)] = static_cast<int>(g);
    }
    std::vector<int> depth(groups.size(), 0);
    std::map<std::pair<int, int>, std::vector<int>> stages;  // by depth and block
    for (std::size_t g = 0; g < groups.size(); ++g) {
      auto& stage = stages[{depth[g], std::min(block_of(groups[g]), kLongEnough)}];
      stage.insert(stage.end(), groups[g].begin(), groups[g].end());
      for (const int ring : groups[g]) {
        for (const int to : graph_[size(ring)]) {
          int& deeper = depth[size(group_of[size(to)])];
          if (group_of[size(to)] != static_cast<int>(g)) deeper = std::max(deeper, depth[g] + 1);
        }
      }
    }
    std::vector<std::vector<int>> out;
    for (auto& [key, stage] : stages) out.push_back(std::move(stage));
    return out;
  }

  /// Rings that take something from a filter line of this stage stand one level behind it.
  std::map<int, int> levels_of(const std::vector<int>& members) const {
    const auto feeds_now = [&](int from, int to) {
      const auto& lines = rings_[size(from)];
      return std::any_of(lines.begin(), lines.end(), [&](int k) { return w_.delays[size(k)] == 0 && feeds(k, to); });
    };
    std::map<int, int> level;
    for (const int ring : members) level[ring] = 0;
    // As often as the longest chain has links; there is no loop.
    for (bool changed = true; changed;) {
      changed = false;
      for (const int from : members) {
        for (const int to : members) {
          if (level[to] > level[from] || !feeds_now(from, to)) continue;
          level[to] = level[from] + 1;
          changed = true;
        }
      }
    }
    return level;
  }

  void add_stage(NetworkPlan& plan, const std::vector<int>& members) const {
    PlannedStage stage;
    stage.block = block_of(members);
    stage.first_row = plan.rows;
    for (const auto& [ring, level] : levels_of(members)) {
      if (size(level) >= stage.levels.size()) stage.levels.resize(size(level) + 1);
      PlannedRing planned;
      planned.line = rings_[size(ring)][0];
      for (const int line : rings_[size(ring)]) {
        PlannedTap tap{line, w_.delays[size(line)], 0};
        (feeds_any(line, members) ? planned.inner : planned.outer).push_back(tap);
      }
      stage.levels[size(level)].push_back(std::move(planned));
    }
    for (auto& rings : stage.levels) {
      std::stable_partition(rings.begin(), rings.end(),
                            [&](const PlannedRing& ring) { return line_filter(w_, ring.line).empty(); });
    }
    const auto number = [&](std::vector<PlannedTap> PlannedRing::*taps) {
      for (auto& rings : stage.levels) {
        for (PlannedRing& ring : rings) {
          for (PlannedTap& tap : ring.*taps) plan.row_of_line[size(tap.line)] = tap.row = plan.rows++;
        }
      }
    };
    number(&PlannedRing::inner);
    stage.inner_rows = plan.rows - stage.first_row;
    number(&PlannedRing::outer);
    plan.stages.push_back(std::move(stage));
  }

  const DelayNetworkWeights& w_;
  std::vector<bool> couplings_;  // [N, N]
  int longest_block_;
  std::vector<std::vector<int>> rings_;  // ring -> its lines
  Graph graph_;                          // of the rings
};

}  // namespace

bool share_ring(const DelayNetworkWeights& w, int a, int b) {
  // What is not linear in a line is its own.
  if (w.nonlinear.is_there() && (w.delays[size(a)] > 0 || w.delays[size(b)] > 0)) return false;
  return equal_rows(w.turning.empty() ? w.A : w.turn_left, size(w.lines), a, b) &&
         equal_rows(w.B, size(w.inputs), a, b) && equal_rows(w.line_sos, size(w.line_sections) * 5, a, b);
}

NetworkPlan plan_network(const DelayNetworkWeights& weights, int longest_block) {
  return Planner(weights, longest_block).run();
}

bool is_identity(const Biquad& f) { return f.b0 == 1 && f.b1 == 0 && f.b2 == 0 && f.a1 == 0 && f.a2 == 0; }

std::vector<Biquad> line_filter(const DelayNetworkWeights& w, int line) {
  std::vector<Biquad> sections;
  for (int k = 0; k < w.line_sections; ++k) {
    if (const Biquad f = w.line_section(line, k); !is_identity(f)) sections.push_back(f);
  }
  return sections;
}

}  // namespace diffverb::runtime
