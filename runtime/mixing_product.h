#pragma once

#include <vector>

#include "runtime/kernels.h"

namespace diffverb::runtime {

/// A constant matrix applied to signals: out[r] = sum of gain x in[column], or added to what is there.
///
/// Rows are taken eight at a time by a dense product over the columns that they use where most of those gains are
/// there, and one by one over the gains that are there where not; the samples are the same. run() allocates nothing.
class MixingProduct {
 public:
  struct Entry {
    int column;
    float gain;
  };

  MixingProduct() = default;
  /// Each row's entries by ascending column; gains of 0 have been left out.
  explicit MixingProduct(const std::vector<std::vector<Entry>>& rows);

  bool is_empty() const { return dense_.empty() && sparse_.empty(); }
  bool has_dense_rows() const { return !dense_.empty(); }
  /// A pointer for each column and row; kPad samples behind `frames` are written too.
  void run(const float* const* in, float* const* out, bool add, int frames) const noexcept;

 private:
  struct Dense {
    int row = 0, column = 0, columns = 0;
    std::size_t first = 0;  // in dense_gains_
  };
  void add_dense(const std::vector<std::vector<Entry>>& rows, int row, int column, int columns);

  std::vector<Dense> dense_;
  std::vector<float> dense_gains_;
  std::vector<SparseRow> sparse_;
  std::vector<float> gains_;
  std::vector<int> columns_;  // beside gains_
};

/// The rows of a buffer as a table of pointers, `stride` apart.
template <typename Pointer, typename Buffer>
std::vector<Pointer> row_pointers(Buffer& buffer, std::size_t rows, std::size_t stride) {
  std::vector<Pointer> table;
  for (std::size_t r = 0; r < rows; ++r) table.push_back(buffer.data() + r * stride);
  return table;
}

}  // namespace diffverb::runtime
