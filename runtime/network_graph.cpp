#include "runtime/network_graph.h"

#include <algorithm>
#include <cstddef>

namespace diffverb::runtime {
namespace {

class Tarjan {
 public:
  explicit Tarjan(const Graph& graph) : graph_(graph), index_(graph.size(), -1), low_(index_), open_(graph.size()) {}

  std::vector<std::vector<int>> run() {
    for (std::size_t node = 0; node < graph_.size(); ++node) {
      if (index_[node] < 0) visit(static_cast<int>(node));
    }
    std::reverse(groups_.begin(), groups_.end());  // they were found from the last one on
    return std::move(groups_);
  }

 private:
  void visit(int node) {  // as deep as there are nodes: 256 lines at most
    const auto at = static_cast<std::size_t>(node);
    index_[at] = low_[at] = next_++;
    stack_.push_back(node);
    open_[at] = true;
    for (const int to : graph_[at]) {
      const auto other = static_cast<std::size_t>(to);
      if (index_[other] < 0) visit(to);
      if (open_[other]) low_[at] = std::min(low_[at], low_[other]);
    }
    if (low_[at] != index_[at]) return;
    auto& group = groups_.emplace_back();
    while (open_[at]) {
      group.push_back(stack_.back());
      open_[static_cast<std::size_t>(stack_.back())] = false;
      stack_.pop_back();
    }
    std::sort(group.begin(), group.end());
  }

  const Graph& graph_;
  std::vector<int> index_, low_;
  std::vector<bool> open_;
  std::vector<int> stack_;
  std::vector<std::vector<int>> groups_;
  int next_ = 0;
};

/// Only what filter lines feed: a line of positive delay is in no loop of it.
Graph filter_line_graph(const DelayNetworkWeights& w) {
  Graph graph = line_graph(w);
  for (std::size_t k = 0; k < graph.size(); ++k) {
    if (w.delays[k] != 0) graph[k].clear();
  }
  return graph;
}

void add_nonlinear(const NonlinearLoop& loop, std::size_t n, std::vector<bool>& couplings) {
  const auto ranks = static_cast<std::size_t>(loop.rank);
  for (std::size_t j = 0; j < n; ++j) {
    if (loop.square[j] != 0.0f) couplings[j * n + j] = true;
    for (std::size_t r = 0; r < ranks; ++r) {
      for (std::size_t k = 0; loop.out[j * ranks + r] != 0.0f && k < n; ++k) {
        if (loop.left[r * n + k] != 0.0f || loop.right[r * n + k] != 0.0f) couplings[j * n + k] = true;
      }
    }
  }
}

}  // namespace

std::vector<bool> line_couplings(const DelayNetworkWeights& w) {
  const auto n = static_cast<std::size_t>(w.lines);
  std::vector<bool> couplings(n * n);
  if (w.turning.empty()) {
    for (std::size_t i = 0; i < n * n; ++i) couplings[i] = w.A[i] != 0.0f;
    if (w.nonlinear.is_there()) add_nonlinear(w.nonlinear, n, couplings);
    return couplings;
  }
  for (std::size_t i = 0; i < n; ++i) {  // a component, which the turn gives to itself and to the other of its pair
    for (const std::size_t from : {i, i ^ 1}) {
      for (std::size_t j = 0; from < n && j < n; ++j) {
        for (std::size_t k = 0; w.turn_left[j * n + i] != 0.0f && k < n; ++k) {
          if (w.turn_right[from * n + k] != 0.0f) couplings[j * n + k] = true;
        }
      }
    }
  }
  return couplings;
}

Graph line_graph(const DelayNetworkWeights& w) {
  const auto n = static_cast<std::size_t>(w.lines);
  const std::vector<bool> couplings = line_couplings(w);
  Graph graph(n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      if (couplings[j * n + k]) graph[k].push_back(static_cast<int>(j));
    }
  }
  return graph;
}

std::vector<std::vector<int>> connected_groups(const Graph& graph) { return Tarjan(graph).run(); }

bool is_loop(const Graph& graph, const std::vector<int>& group) {
  if (group.size() > 1) return true;
  const std::vector<int>& fed = graph[static_cast<std::size_t>(group[0])];
  return std::find(fed.begin(), fed.end(), group[0]) != fed.end();
}

std::vector<int> delay_free_loop(const DelayNetworkWeights& w) {
  const Graph graph = filter_line_graph(w);
  for (const std::vector<int>& group : connected_groups(graph)) {
    if (is_loop(graph, group)) return group;
  }
  return {};
}

std::vector<int> filter_line_order(const DelayNetworkWeights& w) {
  std::vector<int> order;
  for (const std::vector<int>& group : connected_groups(filter_line_graph(w))) {
    if (w.delays[static_cast<std::size_t>(group[0])] == 0) order.push_back(group[0]);
  }
  return order;
}

}  // namespace diffverb::runtime
