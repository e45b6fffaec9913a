#include "datasets/duplicates.h"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <kissfft/kissfft.hh>
#include <thread>

#include "core/acoustics/fft.h"
#include "core/acoustics/preparation.h"
#include "core/resample.h"

namespace diffverb {
namespace {

constexpr double kSignatureRateHz = 8000, kSignatureSeconds = 0.25, kLowestHz = 100, kHighestHz = 3500;
constexpr std::size_t kSignatureFft = 4096, kTrendBins = 16;
constexpr double kCompareRateHz = 16000, kCompareSeconds = 0.5, kMostLagSeconds = 0.004;
constexpr std::size_t kBefore = 64;  // samples at 16 kHz before the onset: a band-limited direct sound begins earlier
constexpr std::size_t kFinerLags = 4;

/// Some of a response around its onset, at another rate: long enough for `seconds`, in double.
std::vector<double> beginning(std::span<const float> response, double rate_hz, double to_rate_hz, double seconds) {
  const std::vector<double> samples(response.begin(), response.end());
  const std::size_t onset = acoustics::find_onset(samples);
  const auto before =
      std::min(onset, static_cast<std::size_t>(static_cast<double>(kBefore) * rate_hz / kCompareRateHz));
  const auto length = std::min(samples.size() - onset, static_cast<std::size_t>(seconds * rate_hz)) + before;
  const auto from = response.begin() + static_cast<std::ptrdiff_t>(onset - before);
  const Audio cut{rate_hz, {{from, from + static_cast<std::ptrdiff_t>(length)}}};
  const Audio out = resample(cut, to_rate_hz);
  return {out.channels[0].begin(), out.channels[0].end()};
}

}  // namespace

std::vector<float> spectral_signature(std::span<const float> response, double rate_hz) {
  std::vector<double> x = beginning(response, rate_hz, kSignatureRateHz, kSignatureSeconds);
  x.resize(std::min(x.size(), kSignatureFft));
  const auto spectrum = acoustics::RealFft(kSignatureFft)(x);
  const double bin_hz = kSignatureRateHz / static_cast<double>(kSignatureFft);
  const auto low = static_cast<std::size_t>(kLowestHz / bin_hz), high = static_cast<std::size_t>(kHighestHz / bin_hz);
  double mean = 0;
  for (std::size_t k = low; k < high; ++k) mean += std::norm(spectrum[k]);
  mean /= static_cast<double>(high - low);
  if (!(mean > 0)) return {};
  std::vector<double> level;
  for (std::size_t k = low; k < high; ++k) level.push_back(std::log10(std::max(std::norm(spectrum[k]) / mean, 1e-4)));
  std::vector<double> sum(level.size() + 1, 0);
  for (std::size_t k = 0; k < level.size(); ++k) sum[k + 1] = sum[k] + level[k];
  std::vector<float> out(level.size());
  double energy = 0;
  for (std::size_t k = 0; k < level.size(); ++k) {
    const std::size_t from = k > kTrendBins ? k - kTrendBins : 0, to = std::min(level.size(), k + kTrendBins + 1);
    const double fluctuation = level[k] - (sum[to] - sum[from]) / static_cast<double>(to - from);
    out[k] = static_cast<float>(fluctuation);
    energy += fluctuation * fluctuation;
  }
  if (!(energy > 0)) return {};
  for (float& value : out) value = static_cast<float>(value / std::sqrt(energy));
  return out;
}

std::vector<std::vector<std::size_t>> most_alike(const std::vector<std::vector<float>>& signatures, double least,
                                                 std::size_t most) {
  std::vector<std::vector<std::size_t>> alike(signatures.size());
  std::vector<std::size_t> rows;  // of the matrix: which signature
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    if (!signatures[i].empty()) rows.push_back(i);
  }
  if (rows.size() < 2) return alike;
  const auto length = static_cast<Eigen::Index>(signatures[rows[0]].size());
  const auto count = static_cast<Eigen::Index>(rows.size());
  Eigen::MatrixXf all(length, count);
  for (Eigen::Index c = 0; c < count; ++c)
    all.col(c) = Eigen::Map<const Eigen::VectorXf>(signatures[rows[static_cast<std::size_t>(c)]].data(), length);
  constexpr Eigen::Index kBlock = 256;
  std::atomic<Eigen::Index> next{0};
  const auto work = [&] {
    Eigen::MatrixXf products;
    for (Eigen::Index first = kBlock * next++; first < count; first = kBlock * next++) {
      const Eigen::Index size = std::min(kBlock, count - first), before = first + size;
      products.noalias() = all.leftCols(before).transpose() * all.middleCols(first, size);
      for (Eigen::Index i = 0; i < size; ++i) {
        std::vector<Eigen::Index> found;
        for (Eigen::Index j = 0; j < first + i; ++j) {
          if (products(j, i) > static_cast<float>(least)) found.push_back(j);
        }
        std::stable_sort(found.begin(), found.end(),
                         [&](Eigen::Index a, Eigen::Index b) { return products(a, i) > products(b, i); });
        found.resize(std::min(found.size(), most));
        for (const Eigen::Index j : found)
          alike[rows[static_cast<std::size_t>(first + i)]].push_back(rows[static_cast<std::size_t>(j)]);
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned k = 1; k < std::thread::hardware_concurrency(); ++k) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return alike;
}

double largest_correlation(std::span<const float> a, double a_rate_hz, std::span<const float> b, double b_rate_hz) {
  std::vector<double> x = beginning(a, a_rate_hz, kCompareRateHz, kCompareSeconds);
  std::vector<double> y = beginning(b, b_rate_hz, kCompareRateHz, kCompareSeconds);
  const std::size_t length = std::min(x.size(), y.size());  // the shorter one says how much is compared
  x.resize(length);
  y.resize(length);
  double x_energy = 0, y_energy = 0;
  for (std::size_t n = 0; n < length; ++n) {
    x_energy += x[n] * x[n];
    y_energy += y[n] * y[n];
  }
  if (!(x_energy > 0) || !(y_energy > 0)) return 0;
  const std::size_t size = acoustics::fast_fft_length(2 * length), fine = size * kFinerLags;
  const acoustics::RealFft fft(size);
  const auto from = fft(x), to = fft(y);
  std::vector<std::complex<double>> cross(fine), correlation(fine);
  for (std::size_t k = 0; k < size / 2; ++k) {
    cross[k] = from[k] * std::conj(to[k]);
    if (k > 0) cross[fine - k] = std::conj(cross[k]);
  }
  kissfft<double>(fine, true).transform(cross.data(), correlation.data());
  const auto lags = std::min(fine / 2, static_cast<std::size_t>(kMostLagSeconds * kCompareRateHz * kFinerLags));
  double largest = 0;
  for (std::size_t lag = 0; lag <= lags; ++lag)
    largest = std::max({largest, std::abs(correlation[lag].real()), std::abs(correlation[(fine - lag) % fine].real())});
  return std::min(1.0, largest / (static_cast<double>(size) * std::sqrt(x_energy * y_energy)));
}

}  // namespace diffverb
