#include "runtime/transform.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

namespace diffverb::runtime {

void transform(std::vector<std::complex<double>>& values, bool inverse) {
  const std::size_t size = values.size();
  for (std::size_t i = 1, j = 0; i < size; ++i) {
    std::size_t bit = size / 2;
    for (; j & bit; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  std::vector<std::complex<double>> turns(size / 2);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const double angle = (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size);
    turns[i] = {std::cos(angle), std::sin(angle)};
  }
  for (std::size_t half = 1; half < size; half *= 2) {
    const std::size_t stride = size / (2 * half);
    for (std::size_t begin = 0; begin < size; begin += 2 * half) {
      for (std::size_t i = 0; i < half; ++i) {
        auto& low = values[begin + i];
        auto& high = values[begin + i + half];
        const std::complex<double>& turn = turns[i * stride];
        const std::complex<double> turned{high.real() * turn.real() - high.imag() * turn.imag(),
                                          high.real() * turn.imag() + high.imag() * turn.real()};
        high = low - turned;
        low += turned;
      }
    }
  }
}

// Every third or fifth number by itself, until a power of two is left (Cooley & Tukey 1965).
void transform_smooth(std::vector<std::complex<double>>& values, bool inverse) {
  const std::size_t size = values.size(), radix = size % 3 == 0 ? 3 : size % 5 == 0 ? 5 : 1, length = size / radix;
  if (radix == 1) return transform(values, inverse);
  std::vector<std::vector<std::complex<double>>> parts(radix, std::vector<std::complex<double>>(length));
  for (std::size_t i = 0; i < size; ++i) parts[i % radix][i / radix] = values[i];
  for (auto& part : parts) transform_smooth(part, inverse);
  for (std::size_t k = 0; k < size; ++k) {
    const double angle = (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size);
    const std::complex<double> turn(std::cos(angle), std::sin(angle));
    values[k] = parts[radix - 1][k % length];
    for (std::size_t r = radix - 1; r-- > 0;) values[k] = values[k] * turn + parts[r][k % length];
  }
}

}  // namespace diffverb::runtime
