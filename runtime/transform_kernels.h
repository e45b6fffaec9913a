#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// Transforms that are computed at once, side by side.
inline constexpr std::size_t kColumns = 8;

/// A pass of Stockham's transform over complex numbers in columns, [2][length][kColumns]: real parts, then imaginary ones.
/// Of `stride` sequences of `length / stride` numbers each it makes radix times as many, so many times as short.
struct ColumnPass {
  std::size_t radix = 2;  ///< 2, 3, 4 or 5
  std::size_t length = 0, stride = 1;
  const double* turns =
      nullptr;  ///< [length / stride / radix][radix - 1][2]: exp(-2 pi i p k stride / length), k from 1 on
};
void pass_columns(const ColumnPass& pass, const double* from, double* to);

/// values[c] *= turns[c], [2][kColumns] each, and turns[c] *= steps[c], `rows` times for rows of values [.., kColumns], of
/// which the imaginary parts lie `apart` behind.
void turn_columns(double* values, std::size_t apart, std::size_t rows, double* turns, const double* steps);

}  // namespace diffverb::runtime
