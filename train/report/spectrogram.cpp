#include "train/report/spectrogram.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <string>
#include <unsupported/Eigen/FFT>

#include "core/error.h"

namespace diffverb::report {
namespace {

/// Power of the bins 0..size/2 of the frame centred on sample `centre`.
class Frame {
 public:
  Frame(const std::vector<float>& signal, std::size_t size) : signal_(signal), window_(size), frame_(size) {
    for (std::size_t n = 0; n < size; ++n) {
      window_[n] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size));
    }
  }

  void add_power(std::ptrdiff_t centre, std::vector<double>& power) {
    const auto half = static_cast<std::ptrdiff_t>(window_.size() / 2);
    for (std::size_t n = 0; n < window_.size(); ++n) {
      const std::ptrdiff_t at = centre - half + static_cast<std::ptrdiff_t>(n);
      const bool inside = at >= 0 && at < static_cast<std::ptrdiff_t>(signal_.size());
      frame_[n] = inside ? window_[n] * static_cast<double>(signal_[static_cast<std::size_t>(at)]) : 0;
    }
    fft_.fwd(bins_, frame_);
    for (std::size_t k = 0; k < power.size(); ++k) power[k] += std::norm(bins_[k]);
  }

 private:
  const std::vector<float>& signal_;
  std::vector<double> window_, frame_;
  std::vector<std::complex<double>> bins_;
  Eigen::FFT<double> fft_;
};

/// Mean power between two bin positions; interpolated where they lie within one bin.
double mean_between(const std::vector<double>& power, double from, double to) {
  const double last = static_cast<double>(power.size() - 1);
  const auto first = static_cast<std::size_t>(std::ceil(std::clamp(from, 0.0, last)));
  const auto end = static_cast<std::size_t>(std::floor(std::clamp(to, 0.0, last)));
  if (end < first + 1) {
    const double middle = std::clamp(0.5 * (from + to), 0.0, last);
    const auto k = std::min(static_cast<std::size_t>(middle), power.size() - 2);
    const double mix = middle - static_cast<double>(k);
    return (1 - mix) * power[k] + mix * power[k + 1];
  }
  double sum = 0;
  for (std::size_t k = first; k <= end; ++k) sum += power[k];
  return sum / static_cast<double>(end - first + 1);
}

/// Means over a box around each point.
std::vector<double> smooth(const Spectrogram& picture) {
  constexpr int kRows = 2, kColumns = 4;  // to either side
  const auto at = [&](int r, int c) {
    return static_cast<std::size_t>(r) * static_cast<std::size_t>(picture.columns) + static_cast<std::size_t>(c);
  };
  std::vector<double> across(picture.power.size()), out(picture.power.size());
  for (int r = 0; r < picture.rows; ++r) {
    for (int c = 0; c < picture.columns; ++c) {
      const int first = std::max(0, c - kColumns), last = std::min(picture.columns - 1, c + kColumns);
      for (int k = first; k <= last; ++k) across[at(r, c)] += static_cast<double>(picture.power[at(r, k)]);
      across[at(r, c)] /= last - first + 1;
    }
  }
  for (int r = 0; r < picture.rows; ++r) {
    const int first = std::max(0, r - kRows), last = std::min(picture.rows - 1, r + kRows);
    for (int c = 0; c < picture.columns; ++c) {
      for (int k = first; k <= last; ++k) out[at(r, c)] += across[at(k, c)];
      out[at(r, c)] /= last - first + 1;
    }
  }
  return out;
}

}  // namespace

Spectrogram log_spectrogram(const std::vector<float>& signal, double rate_hz, double seconds, double lo_hz,
                            double hi_hz, int rows, int columns) {
  if (signal.empty() || rows < 1 || columns < 1 || !(seconds > 0) || !(lo_hz > 0) || !(lo_hz < hi_hz) ||
      hi_hz > rate_hz / 2) {
    throw ContractError("log_spectrogram: " + std::to_string(signal.size()) + " samples, " + std::to_string(seconds) +
                        " s, " + std::to_string(lo_hz) + " to " + std::to_string(hi_hz) + " Hz");
  }
  std::size_t size = 64;
  while (static_cast<double>(size) < 0.03 * rate_hz) size *= 2;
  Frame frame(signal, size);
  Spectrogram out{rows, columns, lo_hz, hi_hz, seconds, {}};
  out.power.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  const double column_samples = seconds * rate_hz / columns;
  const int per_column = std::max(1, static_cast<int>(std::ceil(column_samples / (static_cast<double>(size) / 4))));
  const double bins_per_hz = static_cast<double>(size) / rate_hz;
  std::vector<double> power(size / 2 + 1);
  for (int c = 0; c < columns; ++c) {
    std::fill(power.begin(), power.end(), 0.0);
    for (int k = 0; k < per_column; ++k) {
      frame.add_power(static_cast<std::ptrdiff_t>((c + (k + 0.5) / per_column) * column_samples), power);
    }
    for (int r = 0; r < rows; ++r) {
      const auto edge_hz = [&](int row) { return hi_hz * std::pow(lo_hz / hi_hz, static_cast<double>(row) / rows); };
      const double mean = mean_between(power, edge_hz(r + 1) * bins_per_hz, edge_hz(r) * bins_per_hz);
      out.power[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)] =
          static_cast<float>(mean / per_column);
    }
  }
  return out;
}

std::vector<float> difference_db(const Spectrogram& target, const Spectrogram& other, double top_power,
                                 double range_db) {
  if (target.rows != other.rows || target.columns != other.columns)
    throw ContractError("difference_db: " + std::to_string(target.rows) + " x " + std::to_string(target.columns) +
                        " and " + std::to_string(other.rows) + " x " + std::to_string(other.columns));
  const double floor = top_power * std::pow(10.0, -range_db / 10);
  const std::vector<double> wanted = smooth(target), found = smooth(other);
  std::vector<float> out(wanted.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(10 * std::log10(std::max(found[i], floor) / std::max(wanted[i], floor)));
  return out;
}

std::vector<std::uint8_t> quantise_signed(const std::vector<float>& values_db, double range_db) {
  std::vector<std::uint8_t> out(values_db.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(
        std::lround(127.5 + 127.5 * std::clamp(static_cast<double>(values_db[i]) / range_db, -1.0, 1.0)));
  return out;
}

std::vector<std::uint8_t> quantise(const Spectrogram& spectrogram, double top_power, double range_db) {
  std::vector<std::uint8_t> out(spectrogram.power.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double db = 10 * std::log10(std::max(static_cast<double>(spectrogram.power[i]), 1e-300) / top_power);
    out[i] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(1 + db / range_db, 0.0, 1.0)));
  }
  return out;
}

}  // namespace diffverb::report
