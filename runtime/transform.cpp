#include "runtime/transform.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include "runtime/aligned.h"
#include "runtime/transform_kernels.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kExact = 64;  // turns, after which a product of them begins anew

using Doubles = std::vector<double, Aligned<double>>;

/// exp(-2 pi i step / size)
std::complex<double> turn_of(std::size_t step, std::size_t size) {
  return std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(step % size) / static_cast<double>(size));
}

/// The transform of kColumns sequences at once, in memory that stays in a processor's cache.
class ColumnTransform {
 public:
  explicit ColumnTransform(std::size_t length) : length_(length), buffers_{sized(), sized()} {
    for (std::size_t stride = 1; stride < length;) {
      const std::size_t left = length / stride, radix = left % 4 == 0 ? 4 : left % 2 == 0 ? 2 : left % 3 == 0 ? 3 : 5;
      Doubles& turns = turns_.emplace_back();
      for (std::size_t p = 0; p < left / radix; ++p) {
        for (std::size_t k = 1; k < radix; ++k) {
          const auto turn = turn_of(p * k, left);
          turns.insert(turns.end(), {turn.real(), turn.imag()});
        }
      }
      passes_.push_back({radix, length, stride, nullptr});
      stride *= radix;
    }
    for (std::size_t i = 0; i < passes_.size(); ++i) passes_[i].turns = turns_[i].data();
  }
  ColumnTransform(const ColumnTransform&) = delete;
  ColumnTransform& operator=(const ColumnTransform&) = delete;

  double* re(std::size_t n) { return buffers_[0].data() + n * kColumns; }  // [length, kColumns]
  double* im(std::size_t n) { return re(length_ + n); }

  void run() {
    for (const ColumnPass& pass : passes_) {
      pass_columns(pass, buffers_[0].data(), buffers_[1].data());
      std::swap(buffers_[0], buffers_[1]);
    }
  }

 private:
  Doubles sized() const { return Doubles(2 * kColumns * length_, 0.0); }

  std::size_t length_;
  Doubles buffers_[2];
  std::vector<Doubles> turns_;
  std::vector<ColumnPass> passes_;
};

/// The divisor nearest to the square root from below.
std::size_t split_of(std::size_t size) {
  std::size_t best = 1;
  for (std::size_t first = 1; first * first <= size; ++first) {
    if (size % first == 0) best = first;
  }
  return best;
}

/// Columns n2 .. n2 + count - 1 of a matrix of `cols`, which are transformed, turned by n2 times their new row, and stand
/// as rows behind one another in groups of kColumns rows: [rows / kColumns][cols][2][kColumns].
void transform_some_columns(const std::vector<std::complex<double>>& values, bool inverse, std::size_t n2,
                            std::size_t cols, ColumnTransform& columns, Doubles& turned) {
  const std::size_t size = values.size(), rows = size / cols, count = std::min(kColumns, cols - n2);
  for (std::size_t n1 = 0; n1 < rows; ++n1) {
    double *re = columns.re(n1), *im = columns.im(n1);
    if (inverse) std::swap(re, im);
    for (std::size_t c = 0; c < count; ++c) {
      re[c] = values[n1 * cols + n2 + c].real();
      im[c] = values[n1 * cols + n2 + c].imag();
    }
  }
  columns.run();
  double turns[2 * kColumns] = {}, steps[2 * kColumns] = {};
  const auto turns_at = [&](std::size_t k1, double* to) {
    for (std::size_t c = 0; c < count; ++c) {
      const std::complex<double> turn = turn_of((n2 + c) * k1, size);
      to[c] = turn.real(), to[kColumns + c] = turn.imag();
    }
  };
  turns_at(1, steps);
  for (std::size_t k1 = 0; k1 < rows; k1 += kExact) {
    turns_at(k1, turns);
    turn_columns(columns.re(k1), rows * kColumns, std::min(kExact, rows - k1), turns, steps);
  }
  for (std::size_t k1 = 0; k1 < rows; ++k1) {
    const double *re = columns.re(k1), *im = columns.im(k1);
    double* to = turned.data() + ((k1 / kColumns * cols + n2) * 2) * kColumns + k1 % kColumns;
    for (std::size_t c = 0; c < count; ++c) {
      to[2 * c * kColumns] = re[c];
      to[(2 * c + 1) * kColumns] = im[c];
    }
  }
}

}  // namespace

// Columns of a matrix, then rows (Bailey, "FFTs in external or hierarchical memory", 1990): each fits a cache.
void transform(std::vector<std::complex<double>>& values, bool inverse) {
  const std::size_t size = values.size();
  if (size < 2) return;
  const std::size_t rows = split_of(size), cols = size / rows, groups = (rows + kColumns - 1) / kColumns;
  Doubles turned(groups * cols * 2 * kColumns);
  {
    ColumnTransform columns(rows);
    for (std::size_t n2 = 0; n2 < cols; n2 += kColumns)
      transform_some_columns(values, inverse, n2, cols, columns, turned);
  }
  ColumnTransform columns(cols);
  for (std::size_t k1 = 0; k1 < rows; k1 += kColumns) {
    const double* from = turned.data() + k1 * cols * 2;
    for (std::size_t n2 = 0; n2 < cols; ++n2, from += 2 * kColumns) {
      std::copy_n(from, kColumns, columns.re(n2));
      std::copy_n(from + kColumns, kColumns, columns.im(n2));
    }
    columns.run();
    const std::size_t count = std::min(kColumns, rows - k1);
    for (std::size_t k2 = 0; k2 < cols; ++k2) {
      const double *re = columns.re(k2), *im = columns.im(k2);
      if (inverse) std::swap(re, im);
      for (std::size_t c = 0; c < count; ++c) values[k1 + c + rows * k2] = {re[c], im[c]};
    }
  }
}

}  // namespace diffverb::runtime
