#pragma once

#include <vector>

namespace diffverb {

/// Groups of lines that hear each other, directly or through others: the strongly connected components of the graph in
/// which line i hears line j where A_ij is not 0. In an order in which nobody hears a later group, so that A is block
/// lower triangular in it.
///
/// Reads    a [N, N] row-major
/// Source   Tarjan 1972
template <typename Scalar>
std::vector<std::vector<int>> loops_of(const Scalar* a, int lines);

}  // namespace diffverb
