#pragma once

#include <cstddef>
#include <vector>

namespace diffverb {

/// Lines without delay are filters. In what order they can be computed within one sample: none hears a later one.
struct FilterLines {
  std::vector<int> order;
  /// Lines that hear each other, or one that hears itself, without delay: no order is right. Empty for a network that
  /// can be played.
  std::vector<int> loop;
};

/// Which lines have no delay; `stride` numbers lie between two lines' delays. Those whose delay moves never lack it.
template <typename Delay>
std::vector<bool> without_delay(const Delay* delays, int lines, std::size_t stride = 1) {
  std::vector<bool> is_filter;
  for (int j = 0; j < lines; ++j) is_filter.push_back(delays[static_cast<std::size_t>(j) * stride] == 0);
  return is_filter;
}

/// Reads    a [M, N, N] row-major: who hears whom in any of the M matrices; is_filter [N]
template <typename Scalar>
FilterLines filter_lines_of(const Scalar* a, int matrices, const std::vector<bool>& is_filter);

}  // namespace diffverb
