#pragma once

#include <vector>

#include "runtime/kernels.h"

namespace diffverb::runtime {

/// A constant matrix applied to signals: out[r] = add[r] + sum of gain x in[column].
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

  bool is_empty() const { return parts_.empty(); }
  /// `add` may be null, or the memory of `out`; kPad samples behind `frames` are written too.
  void run(Rows in, Rows add, float* out, std::size_t out_stride, int frames) const noexcept;

 private:
  struct Part {
    int row = 0, rows = 0;
    int column = 0, columns = 0;  // of a dense part
    std::size_t first = 0;        // in gains_
    int entries = 0;              // of a sparse row
  };
  void add_dense(const std::vector<std::vector<Entry>>& rows, int row, int column, int columns);

  std::vector<Part> parts_;
  std::vector<float> gains_;
  std::vector<int> columns_;  // beside gains_, of sparse rows
};

}  // namespace diffverb::runtime
