#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace diffverb::acoustics {

/// Smallest length >= `length` that has no prime factor above 5 and is even.
std::size_t fast_fft_length(std::size_t length);

/// Discrete Fourier transform of a real signal, zero-padded to fft_size, in double precision.
///
///   X(k) = sum_n x(n) e^{-j 2 pi k n / fft_size},  k = 0 .. fft_size / 2
///
/// Throws   ContractError unless fft_size is even and >= signal.size()
class RealFft {
 public:
  explicit RealFft(std::size_t fft_size);
  ~RealFft();
  RealFft(RealFft&&) noexcept;
  RealFft& operator=(RealFft&&) noexcept;
  std::size_t size() const { return fft_size_; }
  std::vector<std::complex<double>> operator()(std::span<const double> signal) const;  // [fft_size / 2 + 1]

 private:
  struct Plan;
  std::size_t fft_size_;
  std::unique_ptr<Plan> plan_;
};

}  // namespace diffverb::acoustics
