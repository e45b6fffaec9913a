#pragma once

#include <cstddef>
#include <vector>

namespace diffverb::runtime {

/// Rows of one length that lie one after the other, as rows of their own. Of length 0 there are none.
inline std::vector<std::vector<float>> rows_of(const std::vector<float>& values, std::size_t length) {
  std::vector<std::vector<float>> rows;
  const auto step = static_cast<std::ptrdiff_t>(length);
  for (auto from = values.begin(); length > 0 && from != values.end(); from += step)
    rows.emplace_back(from, from + step);
  return rows;
}

/// And back.
inline std::vector<float> joined(const std::vector<std::vector<float>>& rows) {
  std::vector<float> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return values;
}

}  // namespace diffverb::runtime
