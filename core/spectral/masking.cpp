#include "core/spectral/masking.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cummax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>

#include "core/error.h"

namespace diffverb {
namespace {

const double kNepersPerDb = std::log(10.0) / 10;

double spreading_db(double bark) {
  const double x = bark + 0.474;
  return 15.81 + 7.5 * x - 17.5 * std::sqrt(1 + x * x);
}

}  // namespace

double hz_to_bark(double hz) { return 13 * std::atan(0.00076 * hz) + 3.5 * std::atan((hz / 7500) * (hz / 7500)); }

MaskingModel::MaskingModel(std::int64_t fft_size, std::int64_t hop_size, double rate_hz, const MaskingOptions& options,
                           const at::TensorOptions& tensors)
    : options_(options), hop_s_(static_cast<double>(hop_size) / rate_hz) {
  if (fft_size < 2 || fft_size % 2 != 0 || hop_size < 1 || !(rate_hz > 0) || !(options.bands_per_bark > 0))
    throw ContractError("MaskingModel: expected an even fft_size, a hop, a rate and bands above 0, got fft_size " +
                        std::to_string(fft_size) + ", hop_size " + std::to_string(hop_size) + ", rate_hz " +
                        std::to_string(rate_hz));
  std::vector<std::int64_t> band_of;
  std::int64_t last = -1;
  for (std::int64_t bin = 0; bin <= fft_size / 2; ++bin) {
    const double bark = hz_to_bark(rate_hz * static_cast<double>(bin) / static_cast<double>(fft_size));
    const auto band = static_cast<std::int64_t>(bark * options.bands_per_bark);
    if (band != last) centre_bark_.push_back((static_cast<double>(band) + 0.5) / options.bands_per_bark);
    last = band;
    band_of.push_back(static_cast<std::int64_t>(centre_bark_.size()) - 1);
  }
  const auto count = static_cast<std::int64_t>(centre_bark_.size());
  auto membership = at::zeros({count, fft_size / 2 + 1}, at::kDouble),
       spreading = at::zeros({count, count}, at::kDouble);
  auto* member = membership.mutable_data_ptr<double>();
  for (std::size_t bin = 0; bin < band_of.size(); ++bin)
    member[band_of[bin] * (fft_size / 2 + 1) + static_cast<std::int64_t>(bin)] = 1;
  auto* spread = spreading.mutable_data_ptr<double>();
  for (const double to : centre_bark_) {
    for (const double from : centre_bark_) *spread++ = std::exp(kNepersPerDb * spreading_db(to - from));
  }
  spreading = spreading / spreading.sum(1, true);
  membership_ = membership.to(tensors.requires_grad(false));
  spreading_ = spreading.to(tensors.requires_grad(false));
  bark_ = at::tensor(centre_bark_, at::kDouble).unsqueeze(1).to(tensors.requires_grad(false));
}

at::Tensor MaskingModel::threshold(const at::Tensor& power) const {
  const auto energy = at::matmul(membership_, power);
  const auto loudest = energy.amax(at::IntArrayRef({-2, -1}), true);
  // Flatness of each frame; what lies 120 dB below the loudest band is as good as silence.
  const auto raised = power + 1e-12 * loudest;
  const auto flatness_db = (raised.log().mean(-2, true) - raised.mean(-2, true).log()) / kNepersPerDb;
  const auto tonality = (flatness_db / -60).clamp(0, 1);
  const auto offset_db = tonality * (14.5 + bark_) + (1 - tonality) * 5.5;
  const auto masked = at::matmul(spreading_, energy) * (offset_db * -kNepersPerDb).exp();
  const auto quiet = loudest * std::pow(10.0, options_.quiet_db / 10);
  // max over m <= k of level(m) + fall (k - m): a running maximum of level - fall m, in nepers.
  const double fall = -60 * kNepersPerDb * hop_s_ / (options_.forward_ms * 1e-3);
  const auto falls = at::arange(power.size(-1), power.options()) * fall;
  const auto level = at::maximum(masked, quiet).log();
  return at::maximum((std::get<0>(at::cummax(level - falls, -1)) + falls).exp(), quiet);
}

}  // namespace diffverb
