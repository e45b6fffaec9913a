#include "train/field/field_errors.h"

#include <ATen/ops/fft_rfft.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/filters.h"
#include "core/acoustics/json_value.h"
#include "core/printed.h"

namespace diffverb {
namespace {

constexpr std::size_t kColumn = 13;

double db(double power) { return 10 * std::log10(power); }

/// Energy by frequency bin, summed over the places.
at::Tensor power_of(const at::Tensor& signals, std::int64_t fft_size) {
  return at::fft_rfft(signals.to(at::kDouble), fft_size, 1).abs().square().sum(0);
}

}  // namespace

FieldErrors field_errors(const at::Tensor& truth, const std::vector<FieldEstimate>& estimates, double rate_hz,
                         double low_hz, double high_hz) {
  const auto fft_size = std::max<std::int64_t>(2 * truth.size(1), std::llround(rate_hz));  // 1 Hz a bin
  const double bin_hz = rate_hz / static_cast<double>(fft_size);
  const auto sum = [&](const at::Tensor& power, double from_hz, double to_hz) {
    const auto first = static_cast<std::int64_t>(std::ceil(from_hz / bin_hz));
    const auto last = std::min(static_cast<std::int64_t>(std::ceil(to_hz / bin_hz)), power.size(0));
    return power.slice(0, first, last).sum().item<double>();
  };
  FieldErrors out;
  const auto bands = acoustics::make_bands(acoustics::BandWidth::kThirdOctave, rate_hz, low_hz, high_hz);
  for (const auto& band : bands) out.hz.push_back(band.nominal_hz);
  const at::Tensor of_truth = power_of(truth, fft_size);
  for (const FieldEstimate& estimate : estimates) {
    const at::Tensor of_error = power_of(estimate.signals.to(at::kDouble) - truth, fft_size);
    out.methods.push_back(estimate.name);
    out.all_db.push_back(db(sum(of_error, low_hz, high_hz) / sum(of_truth, low_hz, high_hz)));
    out.error_db.emplace_back();
    for (const auto& band : bands)
      out.error_db.back().push_back(
          db(sum(of_error, band.low_hz, band.high_hz) / sum(of_truth, band.low_hz, band.high_hz)));
  }
  return out;
}

std::string table_of(const FieldErrors& errors) {
  std::string out = right_aligned("error dB at", kColumn);
  for (const std::string& method : errors.methods) out += right_aligned(method, kColumn);
  const auto row = [&](const std::string& name, const auto& value) {
    out += "\n" + right_aligned(name, kColumn);
    for (std::size_t m = 0; m < errors.methods.size(); ++m) out += right_aligned(printed("%.1f", value(m)), kColumn);
  };
  for (std::size_t b = 0; b < errors.hz.size(); ++b)
    row(printed("%g Hz", errors.hz[b]), [&](std::size_t m) { return errors.error_db[m][b]; });
  row("all", [&](std::size_t m) { return errors.all_db[m]; });
  return out + "\n";
}

nlohmann::json json_of(const FieldErrors& errors) {
  nlohmann::json methods = nlohmann::json::object();
  for (std::size_t m = 0; m < errors.methods.size(); ++m) {
    nlohmann::json bands = nlohmann::json::array();
    for (std::size_t b = 0; b < errors.hz.size(); ++b)
      bands.push_back({{"hz", errors.hz[b]}, {"error_db", acoustics::json_value(errors.error_db[m][b])}});
    methods[errors.methods[m]] = {{"all_db", acoustics::json_value(errors.all_db[m])}, {"bands", bands}};
  }
  return {{"methods", methods}};
}

}  // namespace diffverb
