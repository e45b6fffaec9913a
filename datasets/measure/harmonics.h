#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "datasets/measure/sweep.h"

namespace diffverb {

constexpr std::int64_t kHighestHarmonic = 5;

/// What distortion adds to a synchronised exponential sweep: its n-th harmonic is the sweep L ln n earlier, so the
/// response to it stands that much before the linear one (excitation.h).
struct Harmonics {
  struct Point {
    double hz = 0, thd_pct = 0;
  };
  std::vector<at::Tensor>
      responses;  // of order 2 to 5, each [T_n], from 5 ms before its start to the next lower one, faded
  /// 100 sqrt(sum_n |H_n(n f)|^2) / |H_1(f)| by thirds of an octave, as far as 2 f was played; noise counts as distortion
  std::vector<Point> thd;
};

/// Reads    whole [fft_size] float64: the circular response, its linear part [samples] from 0, whose onset is at `onset`
/// Source   A. Farina, AES 108th Convention, 2000
Harmonics separate_harmonics(const Sweep& sweep, const at::Tensor& whole, std::int64_t onset, std::int64_t samples);

/// The responses that powers of the input go through, as far as harmonics tell: y = h_1 * x + h_2 * x^2 + h_3 * x^3.
///
///   H_1 = P_1 + 3 P_3,   H_2 = 2 j P_2 / A,   H_3 = -4 P_3 / A^2
///
/// with P_n the response to the n-th harmonic, its time counted from where the harmonic was played to a fraction of a
/// sample, and A the sweep's amplitude. Beyond the third, harmonics are taken for none. h_n is known from n times the low
/// end of the sweep's range on.
///
/// Reads    whole as above; linear [samples]: P_1 as a response, from 0; amplitude: full scale is 1
/// Returns  [3, samples]
/// Source   A. Novak et al., IEEE Trans. Instrum. Meas. 59 (8), 2010
at::Tensor power_kernels(const Sweep& sweep, const at::Tensor& whole, const at::Tensor& linear, std::int64_t onset,
                         double amplitude);

}  // namespace diffverb
