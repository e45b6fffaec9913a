#include "models/decay_change.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <string>

#include "core/acoustics/analysis.h"
#include "core/error.h"
#include "core/seed.h"
#include "core/spectral/band_split.h"

namespace diffverb {
namespace {

constexpr double kEdgeOctaves = 0.5;
constexpr double kAboveNoiseDb = 10;  // where our own noise takes over
constexpr double kFade_s = 0.02;
constexpr double kHop_s = 0.002;            // between points of a decay curve
constexpr double kDepthDb = 80;             // of a band at the end of what apply() makes
constexpr double kLateRange = 1.5;          // of the late decay time about that of the whole
constexpr double kMostExponent = 300;       // of w: by then there is nothing left to be lifted
constexpr int kRounds = 4;                  // of settle()
const double kNepers = 6 * std::log(10.0);  // of energy, in 60 dB

at::Tensor split(const at::Tensor& responses, double rate_hz) {
  std::vector<double> edges;
  for (std::size_t k = 1; k < DecayChange::band_hz().size(); ++k)
    edges.push_back(DecayChange::band_hz()[k] / std::numbers::sqrt2);
  return split_bands(responses, edges, kEdgeOctaves, rate_hz);
}

std::span<const double> samples_of(const at::Tensor& row) {
  return {row.const_data_ptr<double>(), static_cast<std::size_t>(row.numel())};
}

bool is_silent(const at::Tensor& row) { return row.count_nonzero().item<std::int64_t>() == 0; }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

const std::vector<double>& DecayChange::band_hz() {
  static const std::vector<double> hz{62.5, 125, 250, 500, 1000, 2000, 4000, 8000};
  return hz;
}

std::vector<double> DecayChange::octave_times(const at::Tensor& responses, double rate_hz) {
  const auto octaves = acoustics::make_bands(acoustics::BandWidth::kOctave, rate_hz, 63, 8000);
  std::vector<std::vector<double>> found(band_hz().size());
  for (std::int64_t p = 0; p < responses.size(0); ++p) {
    const auto row = responses[p].detach().contiguous();
    if (is_silent(row)) continue;
    const auto whole = samples_of(row);
    const auto extent = acoustics::find_extent(whole, rate_hz);
    const auto cut = whole.subspan(extent.onset, extent.end - extent.onset);
    for (std::size_t k = 0; k < octaves.size(); ++k) {
      const auto filtered = acoustics::apply_filter(acoustics::band_filter(octaves[k], rate_hz), cut);
      const auto decay = acoustics::measure_decay(filtered, rate_hz, octaves[k].nominal_hz);
      const auto t30 = acoustics::t30_s(decay), t = t30 ? t30 : acoustics::t20_s(decay);
      if (t) found[k].push_back(*t);
    }
  }
  std::vector<double> times;
  for (const auto& times_of_band : found) times.push_back(times_of_band.empty() ? 0 : median(times_of_band));
  return times;
}

DecayChange::DecayChange(const at::Tensor& responses, const Options& options)
    : options_(options), h_(responses.detach().to(at::kDouble).contiguous()) {
  const at::NoGradGuard no_grad;
  onset_ = h_.size(1);
  for (std::int64_t p = 0; p < h_.size(0); ++p) {
    if (is_silent(h_[p])) continue;
    const auto extent = acoustics::find_extent(samples_of(h_[p]), options_.rate_hz);
    onset_ = std::min(onset_, static_cast<std::int64_t>(extent.onset));
    end_ = std::max(end_, static_cast<std::int64_t>(extent.end));
  }
  fade_ = static_cast<std::int64_t>(kFade_s * options_.rate_hz);
  hop_ = std::max<std::int64_t>(1, static_cast<std::int64_t>(kHop_s * options_.rate_hz));
  if (end_ - onset_ < 4 * fade_) throw DataError("the response is too short to have a decay");
  t60_s_ = octave_times(h_, options_.rate_hz);
  bands_ = split(h_, options_.rate_hz);
  measure(bands_);
  const auto any = std::any_of(t60_s_.begin(), t60_s_.end(), [](double t) { return t > 0; });
  if (!any) throw DataError("no octave of the response stands 35 dB above its noise, so that no decay can be changed");
  exponents_ = at::ones({static_cast<std::int64_t>(t60_s_.size())}, at::kDouble);
}

void DecayChange::measure(const at::Tensor& bands) {
  knees_.assign(t60_s_.size(), std::vector<Knee>(static_cast<std::size_t>(h_.size(0))));
  const std::int64_t points = 2 + (end_ - onset_) / hop_;
  curves_ = at::zeros({bands.size(0), points}, at::kDouble);
  slopes_ = at::zeros({bands.size(0)}, at::kDouble);
  for (std::size_t k = 0; k < t60_s_.size(); ++k) {
    const auto band = static_cast<std::int64_t>(k);
    if (t60_s_[k] > 0) make_curve(k, bands[band].slice(1, onset_, end_).contiguous());
    const auto decays = [](const Knee& knee) { return knee.decays; };
    if (std::none_of(knees_[k].begin(), knees_[k].end(), decays)) t60_s_[k] = 0;
  }
}

/// The responses' curves in one, and where each has its knee.
void DecayChange::make_curve(std::size_t band, const at::Tensor& rows) {
  std::vector<acoustics::Decay> decays;
  std::vector<std::int64_t> froms;
  double slowest_s = 0;
  for (std::int64_t p = 0; p < rows.size(0); ++p) {
    const auto decay = acoustics::measure_decay(samples_of(rows[p]), options_.rate_hz, band_hz()[band]);
    if (decay.energy.empty()) continue;
    const auto& floor = decay.floor;
    // A line through few blocks may be far too steep: what it is taken for lies near the decay as a whole.
    const double late_s = std::clamp(floor.late_t60_s, t60_s_[band] / kLateRange, t60_s_[band] * kLateRange);
    // Back from where decay and noise are equally strong, on the late decay's line.
    const double late = late_s * options_.rate_hz, end = static_cast<double>(floor.truncation_samples);
    const double back = floor.power > 0 ? kAboveNoiseDb / 60 * late : 0;
    const double from = std::floor(std::max(end - back - static_cast<double>(fade_), end / 2));
    knees_[band][static_cast<std::size_t>(p)] = {onset_ + static_cast<std::int64_t>(from),
                                                 floor.power_at_truncation * std::exp(kNepers * (end - from) / late),
                                                 true};
    slowest_s = std::max(slowest_s, late_s);
    froms.push_back(static_cast<std::int64_t>(from));
    decays.push_back(decay);
  }
  if (decays.empty()) return;
  const auto at = static_cast<std::int64_t>(band);
  const double slope = kNepers / (slowest_s * options_.rate_hz);
  double* curve = curves_[at].data_ptr<double>();
  for (std::int64_t m = 0; m < curves_.size(1); ++m) {
    double energy = 0;
    for (std::size_t p = 0; p < decays.size(); ++p) {
      const std::int64_t n = m * hop_, known = std::min(n, froms[p]);  // behind it, as our own noise goes on
      energy += decays[p].energy[static_cast<std::size_t>(known)] * std::exp(-slope * static_cast<double>(n - known));
    }
    curve[m] = std::log(std::max(energy, 1e-300));
  }
  slopes_[at] = slope * static_cast<double>(hop_);
}

std::int64_t DecayChange::samples_for(const at::Tensor& ratios) const {
  const auto values = ratios.detach().to(at::kDouble).contiguous();
  double longest_s = 0;
  bool stretched = false;
  for (std::size_t k = 0; k < t60_s_.size(); ++k) {
    longest_s = std::max(longest_s, t60_s_[k] * values.const_data_ptr<double>()[k]);
    stretched = stretched || values.const_data_ptr<double>()[k] > 1;
  }
  const auto needed = onset_ + static_cast<std::int64_t>(kDepthDb / 60 * longest_s * options_.rate_hz);
  return stretched ? std::max(h_.size(1), needed) : h_.size(1);
}

void DecayChange::settle(const at::Tensor& ratios) {
  const at::NoGradGuard no_grad;
  const auto asked = ratios.detach().to(at::kDouble).contiguous();
  const std::int64_t samples = samples_for(asked);
  exponents_.fill_(1);
  if (asked.eq(1).all().item<bool>()) return;
  for (int round = 0; round < kRounds; ++round) {
    const auto times = octave_times(apply(asked, samples), options_.rate_hz);
    for (std::size_t k = 0; k < times.size(); ++k) {
      const auto at = static_cast<std::int64_t>(k);
      const double wanted = std::log(asked[at].item<double>());
      // Near 1 an exponent says nothing, and h' is to be h there.
      if (!(times[k] > 0) || !(t60_s_[k] > 0) || std::abs(wanted) < 0.03) continue;
      const double missing = wanted - std::log(times[k] / t60_s_[k]);
      exponents_[at] = std::clamp(exponents_[at].item<double>() + missing / wanted, 0.5, 2.0);
    }
  }
}

void DecayChange::make_decaying(std::int64_t samples) const {
  if (decaying_.defined() && decaying_.size(2) == samples) return;
  const at::NoGradGuard no_grad;
  Random random(options_.seed, "decay_change");
  auto white = at::empty({h_.size(0), samples}, at::kDouble);
  for (double *value = white.data_ptr<double>(), *end = value + white.numel(); value != end; ++value)
    *value = random.normal();
  const std::int64_t more = samples - h_.size(1);
  decaying_ = split(white, options_.rate_hz);
  decaying_ /= decaying_.square().mean({1, 2}, true).sqrt().clamp_min(1e-12);
  rest_ = at::constant_pad_nd(h_, {0, more}).clone();
  for (std::size_t k = 0; k < knees_.size(); ++k) {
    for (std::size_t p = 0; p < knees_[k].size(); ++p) {
      const Knee& knee = knees_[k][p];
      const auto at_k = static_cast<std::int64_t>(k), at_p = static_cast<std::int64_t>(p);
      const auto measured = at::constant_pad_nd(bands_[at_k][at_p], {0, more}).contiguous();
      double *d = decaying_[at_k][at_p].data_ptr<double>(), *rest = rest_[at_p].data_ptr<double>();
      const double* m = measured.const_data_ptr<double>();
      const double level = std::sqrt(knee.power);
      const double rate = slopes_[at_k].item<double>() / static_cast<double>(2 * hop_);
      for (std::int64_t n = 0; n < samples; ++n) {
        // Equal powers: the two have nothing to do with each other.
        const auto since = static_cast<double>(n - knee.from);
        const double angle = std::clamp(since / static_cast<double>(fade_), 0.0, 1.0) * std::numbers::pi / 2;
        const double own = angle > 0 ? std::sin(angle) * level * std::exp(-rate * since) * d[n] : 0;
        d[n] = knee.decays ? std::cos(angle) * m[n] + own : 0;
        if (!options_.keep_noise && knee.decays) rest[n] += d[n] - m[n];
      }
    }
  }
}

/// Log of the curves at these places, in samples after the onset: [K, samples] of [K, samples].
at::Tensor DecayChange::curve_at(const at::Tensor& samples) const {
  const auto place = samples / static_cast<double>(hop_);
  const double last = static_cast<double>(curves_.size(1) - 1);
  const auto within = place.clamp_max(last);
  const auto index = within.detach().floor().clamp_max(last - 1).to(at::kLong);
  const auto low = curves_.gather(1, index), high = curves_.gather(1, index + 1);
  return low + (high - low) * (within - index) - slopes_.unsqueeze(1) * (place - last).clamp_min(0);
}

at::Tensor DecayChange::apply(const at::Tensor& ratios, std::int64_t samples) const {
  const std::int64_t bands = exponents_.size(0);
  if (ratios.dim() != 1 || ratios.size(0) != bands || ratios.scalar_type() != at::kDouble)
    throw ContractError("decay change: " + std::to_string(bands) + " ratios in float64 expected");
  if (samples < h_.size(1))
    throw ContractError("decay change: " + std::to_string(samples) + " samples are fewer than the response has");
  make_decaying(samples);
  const auto since =
      (at::arange(samples, at::kDouble) - static_cast<double>(onset_)).clamp_min(0).expand({bands, samples});
  const auto stretch = (exponents_ * ratios.log()).exp().unsqueeze(1);
  const auto weights = (0.5 * (curve_at(since / stretch) - curve_at(since))).clamp_max(kMostExponent).expm1();
  return rest_ + (decaying_ * weights.unsqueeze(1)).sum(0);
}

}  // namespace diffverb
