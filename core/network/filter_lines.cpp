#include "core/network/filter_lines.h"

#include <cstddef>

#include "core/network/loops.h"

namespace diffverb {

template <typename Scalar>
FilterLines filter_lines_of(const Scalar* a, int matrices, const std::vector<bool>& is_filter) {
  const std::size_t n = is_filter.size();
  std::vector<int> lines;
  for (std::size_t j = 0; j < n; ++j) {
    if (is_filter[j]) lines.push_back(static_cast<int>(j));
  }
  const auto count = static_cast<int>(lines.size());
  std::vector<Scalar> among(lines.size() * lines.size(), Scalar(0));
  for (int m = 0; m < matrices; ++m) {
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < count; ++j) {
        if (a[(m * n + lines[i]) * n + lines[j]] != 0) among[i * lines.size() + j] = Scalar(1);
      }
    }
  }
  FilterLines result;
  for (const auto& group : loops_of(among.data(), count)) {
    if (group.size() > 1 || among[group[0] * lines.size() + group[0]] != 0) {
      result.loop.clear();
      for (const int i : group) result.loop.push_back(lines[i]);
      result.order.clear();
      return result;
    }
    result.order.push_back(lines[group[0]]);
  }
  return result;
}
template FilterLines filter_lines_of(const float*, int, const std::vector<bool>&);
template FilterLines filter_lines_of(const double*, int, const std::vector<bool>&);

}  // namespace diffverb
