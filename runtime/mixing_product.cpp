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
    parts_.push_back({row, 1, 0, 0, gains_.size(), static_cast<int>(list.size())});
    for (const Entry& entry : list) {
      gains_.push_back(entry.gain);
      columns_.push_back(entry.column);
    }
    ++row;
  }
}

void MixingProduct::add_dense(const std::vector<std::vector<Entry>>& rows, int row, int column, int columns) {
  parts_.push_back({row, kDenseRows, column, columns, gains_.size(), 0});
  const std::size_t first = gains_.size();
  gains_.resize(first + static_cast<std::size_t>(kDenseRows * columns), 0.0f);
  columns_.resize(gains_.size(), 0);
  for (int r = 0; r < kDenseRows; ++r) {
    for (const Entry& entry : rows[static_cast<std::size_t>(row + r)])
      gains_[first + static_cast<std::size_t>(r * columns + entry.column - column)] = entry.gain;
  }
}

void MixingProduct::run(Rows in, Rows add, float* out, std::size_t out_stride, int frames) const noexcept {
  for (const Part& part : parts_) {
    const auto row = static_cast<std::size_t>(part.row);
    const float* added = add.at ? add.at + row * add.stride : nullptr;
    float* to = out + row * out_stride;
    if (part.columns > 0) {
      const Rows from{in.at + static_cast<std::size_t>(part.column) * in.stride, in.stride};
      mix(gains_.data() + part.first, part.rows, part.columns, from, {added, add.stride}, to, out_stride, frames);
    } else {
      mix_row(gains_.data() + part.first, columns_.data() + part.first, part.entries, in, added, to, frames);
    }
  }
}

}  // namespace diffverb::runtime
