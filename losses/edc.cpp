#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/acoustics/decay.h"
#include "core/acoustics/filters.h"
#include "core/device/device.h"
#include "core/tensor.h"
#include "losses/band_energy.h"
#include "losses/band_energy_operators.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

namespace ac = acoustics;

/// Difference of the energy decay curves in dB, by octave and third-octave band.
///
///   L = mean_{b,c} w_b sqrt( mean_t v(t) (EDC_dB(estimate)_{b,c}(t) - EDC_dB(target)_{b,c}(t))^2 ),   EDC(t) = sum_{s
///   >= t} h_b(s)^2
///
/// Bands are third-order Butterworth filters (causal, as the analysis uses them). The target's curve has its noise
/// subtracted and its tail compensated (core/acoustics/decay.h); t runs from 0 to where it has fallen by range_db or to
/// margin_db above its noise; v is early_weight above early_db and 1 below. Curves are absolute, so the level of each
/// band is part of the distance. What the estimate would still carry beyond its last sample is taken to be what the
/// target does.
///
/// Reads    response.ir [1, C, T], target.ir [1, C, T]; where the target also has "measured_ir" [1, C, T'], T' >= T,
///          its noise floor is found on all of that
/// Returns  scalar, dB; >= 0
/// Gradient finite: energies are floored 100 dB below the target's band energy
/// Throws   ContractError on another number of channels, or where no band of the target decays
/// Source   Schroeder 1965; ISO 3382-1; Lundeby et al. 1995
class Edc final : public Loss {
 public:
  explicit Edc(Fields& f) {
    f.optional("range_db", range_db_, inside(5, 100), "dB");
    f.optional("margin_db", margin_db_, at_least(0), "dB");
    f.optional("needed_range_db", needed_range_db_, at_least(5), "dB");
    f.optional("early_db", early_db_, at_least(0), "dB");
    f.optional("early_weight", early_weight_, above(0));
    f.optional("octave_weight", octave_weight_, at_least(0));
    f.optional("third_octave_weight", third_octave_weight_, at_least(0));
    f.optional("from_hz", from_hz_, above(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    f.optional("points", points_, between(8, 4096));
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  struct Curve {
    ac::Decay decay;
    double end_s = 0;
  };
  void add_band(const ac::Band& band, double weight, const at::Tensor& ir);

  double range_db_ = 45, margin_db_ = 5, needed_range_db_ = 25, early_db_ = 12, early_weight_ = 12;
  double octave_weight_ = 1, third_octave_weight_ = 1.0 / 3.0, from_hz_ = 63, to_hz_ = 16000;
  std::int64_t points_ = 200;

  double rate_hz_ = 0;
  std::int64_t channels_ = 0, length_ = 0;
  c10::intrusive_ptr<BandPlan> plan_;
  std::vector<float> target_db_, tail_, floor_, weights_, band_weights_;
  std::optional<BandEnergyOperators> operators_;  // on a GPU
  at::Tensor target_, tails_, floors_, point_weights_, row_weights_;
};

std::int64_t transform_size(std::int64_t at_least) {
  std::int64_t size = 64;
  while (size < at_least) size *= 2;
  if (size / 4 * 3 >= at_least) return size / 4 * 3;
  return size;
}

void Edc::add_band(const ac::Band& band, double weight, const at::Tensor& ir) {
  const ac::Sections filter = ac::band_filter(band, rate_hz_);
  const auto accessor = ir.accessor<double, 2>();
  std::vector<Curve> curves(channels_);
  double end_s = 0;
  for (std::int64_t c = 0; c < channels_; ++c) {
    const std::vector<double> filtered = ac::apply_filter(filter, std::span<const double>(&accessor[c][0], ir.size(1)));
    Curve& curve = curves[c];
    curve.decay = ac::measure_decay(filtered, rate_hz_, band.hz);
    if (!curve.decay.floor.found || curve.decay.range_db < needed_range_db_) continue;
    const double depth = std::min(range_db_, curve.decay.range_db - margin_db_);
    const auto& energy = curve.decay.energy;
    const double limit = energy[0] * std::pow(10.0, -depth / 10);
    std::size_t t = 0;
    while (t + 1 < energy.size() && energy[t] > limit) ++t;
    curve.end_s = std::min(static_cast<double>(t), static_cast<double>(length_ - 1)) / rate_hz_;
    end_s = std::max(end_s, curve.end_s);
  }
  if (end_s <= 0) return;

  EnvelopeBand envelope;
  const std::int64_t bins = plan_->fft_size / 2 + 1;
  constexpr double kNegligible = 1e-3;
  std::vector<std::complex<float>> response;
  bool inside_band = false;
  for (std::int64_t k = 1; k < bins; ++k) {
    const double hz = rate_hz_ * static_cast<double>(k) / static_cast<double>(plan_->fft_size);
    if (hz < band.low_hz / 16 || hz > band.high_hz * 16) continue;
    const auto value = ac::response_at(filter, hz, rate_hz_);
    if (std::abs(value) < kNegligible) {
      if (inside_band) break;
      continue;
    }
    if (!inside_band) envelope.first_bin = k;
    inside_band = true;
    response.emplace_back(value);
  }
  envelope.length = transform_size(static_cast<std::int64_t>(response.size()));
  envelope.response = std::move(response);
  const double envelope_rate = rate_hz_ * static_cast<double>(envelope.length) / static_cast<double>(plan_->fft_size);
  envelope.hop = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(end_s * envelope_rate / static_cast<double>(points_))));
  for (std::int64_t c = 0; c < channels_; ++c) {
    const Curve& curve = curves[c];
    const bool usable = curve.end_s > 0;
    band_weights_.push_back(usable ? static_cast<float>(weight) : 0.0f);
    const double total = usable ? curve.decay.energy[0] : 1.0;
    tail_.push_back(usable ? static_cast<float>(ac::energy_after(curve.decay, static_cast<double>(length_) / rate_hz_))
                           : 0.0f);
    floor_.push_back(static_cast<float>(1e-10 * total));
    double sum = 0;
    const std::size_t first = weights_.size();
    for (std::int64_t p = 0; p < points_; ++p) {
      const double t = static_cast<double>(p * envelope.hop) / envelope_rate;
      const double energy = usable ? std::max(ac::energy_after(curve.decay, t), 1e-10 * total) : 1.0;
      const double db = 10 * std::log10(energy);
      const double fallen = usable ? 10 * std::log10(total / energy) : 0;
      const double w = usable && t <= curve.end_s ? (fallen < early_db_ ? early_weight_ : 1.0) : 0.0;
      target_db_.push_back(static_cast<float>(db));
      weights_.push_back(static_cast<float>(w));
      sum += w;
    }
    for (std::size_t i = first; i < weights_.size(); ++i)
      weights_[i] = sum > 0 ? static_cast<float>(weights_[i] / sum) : 0.0f;
  }
  plan_->bands.push_back(std::move(envelope));
}

void Edc::prepare(const Response& target) {
  const at::Tensor& whole = target.has("measured_ir") ? target.get("measured_ir") : target.ir();
  const at::Tensor ir = whole.detach().to(at::kCPU, at::kDouble)[0].contiguous();
  rate_hz_ = target.sample_rate_hz();
  channels_ = ir.size(0);
  length_ = target.ir().size(2);
  target_db_.clear(), tail_.clear(), floor_.clear(), weights_.clear(), band_weights_.clear();
  plan_ = c10::make_intrusive<BandPlan>();
  plan_->stretches = points_;
  plan_->fft_size =
      transform_size(length_ + static_cast<std::int64_t>(0.06 * rate_hz_));  // room for the filters' own ringing
  if (octave_weight_ > 0) {
    for (const auto& band : ac::make_bands(ac::BandWidth::kOctave, rate_hz_, from_hz_, to_hz_))
      add_band(band, octave_weight_, ir);
  }
  if (third_octave_weight_ > 0) {
    for (const auto& band : ac::make_bands(ac::BandWidth::kThirdOctave, rate_hz_, from_hz_, to_hz_))
      add_band(band, third_octave_weight_, ir);
  }
  const auto bands = static_cast<std::int64_t>(plan_->bands.size());
  if (bands == 0)
    throw ContractError("edc: no band of the target decays by " + std::to_string(needed_range_db_) +
                        " dB above its noise");
  target_ = at::tensor(target_db_).reshape({bands, channels_, points_});
  tails_ = at::tensor(tail_).reshape({bands, channels_, 1});
  floors_ = at::tensor(floor_).reshape({bands, channels_, 1});
  point_weights_ = at::tensor(weights_).reshape({bands, channels_, points_});
  row_weights_ = at::tensor(band_weights_).reshape({bands, channels_});
  row_weights_ = row_weights_ / row_weights_.sum();
  const at::Device device = target.ir().device();
  for (at::Tensor* constant : {&target_, &tails_, &floors_, &point_weights_, &row_weights_})
    *constant = constant->to(device);
  operators_.reset();
  if (on_gpu(device)) operators_.emplace(*plan_, device);
}

at::Tensor Edc::evaluate(const Response& response) const {
  const at::Tensor& ir = response.ir();
  if (!plan_) throw ContractError("edc: prepare() was not called");
  if (response.sample_rate_hz() != rate_hz_ || ir.dim() != 3 || ir.size(0) != 1 || ir.size(1) != channels_ ||
      ir.size(2) != length_) {
    throw ContractError("edc: response must be [1, " + std::to_string(channels_) + ", " + std::to_string(length_) +
                        "] at the target's rate");
  }
  if (ir.device() != target_.device()) throw ContractError("edc: the response must be on the target's device");
  const auto spectrum = at::fft_rfft(ir[0].to(at::kFloat), plan_->fft_size, 1);
  const auto energy = operators_ ? (*operators_)(spectrum) : band_energy(spectrum, plan_);
  const auto curve = energy.flip({2}).cumsum(2).flip({2}).slice(2, 0, points_) + tails_ + floors_;
  const auto difference = curve.log10() * 10 - target_;
  const auto row = ((difference * difference * point_weights_).sum(2) + 1e-8).sqrt();
  return (row * row_weights_).sum();
}

}  // namespace

DIFFVERB_PART(losses, edc, Edc, "Difference of the energy decay curves by octave and third-octave band, dB",
              "Schroeder 1965; ISO 3382-1")

}  // namespace diffverb
