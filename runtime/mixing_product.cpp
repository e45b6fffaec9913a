#include "runtime/mixing_product.h"

#include <algorithm>
#include <cstddef>

namespace diffverb::runtime {
namespace {

constexpr int kDenseRows = 8;
/// Rows of which a smaller share of the gains is there are summed one by one. By loads a gain of the dense product costs
/// 0.9 of one that stands alone (nine for eight against five for four); its short last vectors cost less.
constexpr double kDenseCost = 0.7;

}  // namespace

MixingProduct::MixingProduct(const std::vector<std::vector<Entry>>& rows) {
  const int count = static_cast<int>(rows.size());
  for (int row = 0; row < count;) {
    int first = 1 << 30, last = -1, entries = 0;
    for (int r = row; r < std::min(row + kDenseRows, count); ++r) {
      const auto& list = rows[static_cast<std::size_t>(r)];
      entries += static_cast<int>(list.size());
      if (list.empty()) continue;
      first = std::min(first, list.front().column);
      last = std::max(last, list.back().column);
    }
    const int columns = last - first + 1;
    if (entries > 0 && row + kDenseRows <= count && entries > kDenseCost * kDenseRows * columns) {
      add_dense(rows, row, first, columns);
      row += kDenseRows;
      continue;
    }
    const auto& list = rows[static_cast<std::size_t>(row)];
    sparse_.push_back({row, static_cast<int>(gains_.size()), static_cast<int>(list.size())});
    for (const Entry& entry : list) {
      gains_.push_back(entry.gain);
      columns_.push_back(entry.column);
    }
    ++row;
  }
}

void MixingProduct::add_dense(const std::vector<std::vector<Entry>>& rows, int row, int column, int columns) {
  const std::size_t first = dense_gains_.size();
  dense_.push_back({row, column, columns, first});
  dense_gains_.resize(first + static_cast<std::size_t>(kDenseRows * columns), 0.0f);
  for (int r = 0; r < kDenseRows; ++r) {
    for (const Entry& entry : rows[static_cast<std::size_t>(row + r)])
      dense_gains_[first + static_cast<std::size_t>(r * columns + entry.column - column)] = entry.gain;
  }
}

void MixingProduct::run(const float* const* in, float* const* out, bool add, int frames) const noexcept {
  for (const Dense& part : dense_)
    mix(dense_gains_.data() + part.first, kDenseRows, part.columns, in + part.column, out + part.row, add, frames);
  if (!sparse_.empty())
    mix_sparse(sparse_.data(), static_cast<int>(sparse_.size()), gains_.data(), columns_.data(), in, out, add, frames);
}

}  // namespace diffverb::runtime
