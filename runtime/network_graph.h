#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Whom each node feeds: `graph[k]` holds every j that takes something from k.
using Graph = std::vector<std::vector<int>>;

/// Which line feeds which, row-major [N, N]: line k feeds line j where A[j, k] is not 0, or by squares and products; where
/// the matrix turns, wherever a turn could let it.
std::vector<bool> line_couplings(const DelayNetworkWeights& weights);
/// The same as a graph.
Graph line_graph(const DelayNetworkWeights& weights);

/// Nodes that feed one another, directly or through others, are one group (a strongly connected part); the groups come
/// in an order in which none feeds an earlier one, the nodes of each in theirs.
/// Source: Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972.
std::vector<std::vector<int>> connected_groups(const Graph& graph);

/// Whether anything in a group of connected_groups comes back to where it was: all groups but single nodes that do not
/// feed themselves.
bool is_loop(const Graph& graph, const std::vector<int>& group);

/// Filter lines (0 samples) that feed one another without a delay between them; empty where there are none.
std::vector<int> delay_free_loop(const DelayNetworkWeights& weights);

/// The filter lines, each after those that feed it; needs a network without a delay-free loop.
std::vector<int> filter_line_order(const DelayNetworkWeights& weights);

}  // namespace diffverb::runtime
