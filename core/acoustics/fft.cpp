#include "core/acoustics/fft.h"

#include <algorithm>
#include <kissfft/kissfft.hh>
#include <numbers>
#include <string>

#include "core/error.h"

namespace diffverb::acoustics {

// kissfft's C++ header is the only form of the package that computes in double precision.
struct RealFft::Plan {
  explicit Plan(std::size_t half) : transform(half, false), twiddles(half + 1) {
    for (std::size_t k = 0; k <= half; ++k) {
      twiddles[k] = std::polar(1.0, -std::numbers::pi * static_cast<double>(k) / static_cast<double>(half));
    }
  }
  kissfft<double> transform;
  std::vector<std::complex<double>> twiddles;
};

std::size_t fast_fft_length(std::size_t length) {
  for (std::size_t candidate = std::max<std::size_t>(2, length + length % 2);; candidate += 2) {
    std::size_t rest = candidate;
    for (const std::size_t prime : {2U, 3U, 5U}) {
      while (rest % prime == 0) rest /= prime;
    }
    if (rest == 1) return candidate;
  }
}

RealFft::RealFft(std::size_t fft_size) : fft_size_(fft_size) {
  if (fft_size < 2 || fft_size % 2 != 0) {
    throw ContractError("RealFft: fft_size must be even and at least 2, got " + std::to_string(fft_size));
  }
  plan_ = std::make_unique<Plan>(fft_size / 2);
}

RealFft::~RealFft() = default;
RealFft::RealFft(RealFft&&) noexcept = default;
RealFft& RealFft::operator=(RealFft&&) noexcept = default;

std::vector<std::complex<double>> RealFft::operator()(std::span<const double> signal) const {
  if (signal.size() > fft_size_) {
    throw ContractError("RealFft: signal has " + std::to_string(signal.size()) + " samples, fft_size is " +
                        std::to_string(fft_size_));
  }
  // Even samples as real part, odd ones as imaginary part: one complex transform of half the length.
  const std::size_t half = fft_size_ / 2;
  std::vector<std::complex<double>> packed(half), mixed(half);
  for (std::size_t i = 0; i < signal.size(); ++i) {
    auto* parts = reinterpret_cast<double*>(&packed[i / 2]);
    parts[i % 2] = signal[i];
  }
  plan_->transform.transform(packed.data(), mixed.data());
  std::vector<std::complex<double>> spectrum(half + 1);
  for (std::size_t k = 0; k <= half; ++k) {
    const std::complex<double> a = mixed[k % half];
    const std::complex<double> b = std::conj(mixed[(half - k) % half]);
    const std::complex<double> even = 0.5 * (a + b);
    const std::complex<double> odd = std::complex<double>(0, -0.5) * (a - b);
    spectrum[k] = even + plan_->twiddles[k] * odd;
  }
  return spectrum;
}

}  // namespace diffverb::acoustics
