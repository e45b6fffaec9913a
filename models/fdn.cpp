#include "models/fdn.h"

#include <ATen/ops/block_diag.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "core/acoustics/filters.h"
#include "core/error.h"
#include "core/filters/attenuation.h"
#include "core/filters/peaking.h"
#include "core/nearest.h"
#include "core/solvers/solvers.h"

namespace diffverb {
namespace {

constexpr double kBottomHz = 15.0;      // of the output's high-pass
constexpr double kHighestShare = 0.46;  // of the sample rate: centres of cuts and equaliser bands lie below

torch::Tensor leaf(torch::Tensor value) { return value.detach().clone().set_requires_grad(true); }

std::int64_t next_fast_size(std::int64_t at_least) {
  std::int64_t best = 1;
  while (best < at_least) best *= 2;
  for (std::int64_t size = 1; size < best; size *= 2) {
    for (const std::int64_t factor : {3, 5, 9, 15}) {
      if (size * factor >= at_least) best = std::min(best, size * factor);
    }
  }
  return best + best % 2;
}

}  // namespace

Fdn::Fdn(Fields& f) {
  f.optional("lines", lines_, between(2, 64));
  f.optional("early_ms", early_ms_, between(0, 80), "ms");
  f.optional("crossfade_ms", crossfade_ms_, between(0, 40), "ms");
  f.optional("groups", groups_, between(0, 2));
  f.optional("cuts_per_octave", cuts_per_octave_, between(0, 3));
  f.optional("attenuation_q", attenuation_q_, inside(0.1, 20));
  f.optional("output_q", output_q_, inside(0.1, 20));
  f.optional("longest_s", longest_s_, inside(0.1, 30), "s");
  f.optional("learn_delays", learn_delays_);
  Fields matrix = f.map("matrix");
  std::string type = "orthogonal_exp";
  matrix.optional("type", type);
  const auto& matrices = family<FeedbackMatrix>();
  if (!matrices.has(type))
    matrix.fail("type", "unknown matrix '" + type + "'" + known_names_hint(type, matrices.names()));
  for (int group = 0; group < 2; ++group) {
    Fields again = f.map("matrix");
    matrices_.push_back(matrices.make(type, again));
  }
}

void Fdn::design(const torch::Tensor& ir, double sample_rate_hz, std::uint64_t seed, std::int64_t groups_wanted) {
  rate_hz_ = sample_rate_hz;
  channels_ = ir.size(0);
  eq_hz_ = third_octave_centres(20, 96000, rate_hz_, kHighestShare);
  if (cuts_per_octave_ == 1) cut_hz_ = octave_centres(63, 96000, rate_hz_, kHighestShare);
  if (cuts_per_octave_ >= 2) {
    for (const double hz : third_octave_centres(63, 96000, rate_hz_, kHighestShare)) {
      const long k = std::lround(3 * std::log2(hz / 1000));
      if (cuts_per_octave_ == 3 || k % 3 == 0) cut_hz_.push_back(hz);
    }
    if (cuts_per_octave_ == 2) {
      cut_hz_.clear();
      for (int k = -8; k <= 13; ++k) {
        const double hz = 1000 * std::exp2(k / 2.0);
        if (hz < kHighestShare * rate_hz_) cut_hz_.push_back(hz);
      }
    }
  }
  // Low rates: the last octave's cut ends well below half the rate, and what is above it must decay too.
  if (!cut_hz_.empty() && cut_hz_.back() < 0.32 * rate_hz_) cut_hz_.push_back(0.45 * rate_hz_);
  const double early_s = early_ms_ / 1000;
  room_ = std::make_shared<RoomDesign>(design_room(ir, rate_hz_, eq_hz_,
                                                   {.slopes = static_cast<int>(groups_ > 0 ? groups_ : groups_wanted),
                                                    .early_s = early_s,
                                                    .longest_s = longest_s_}));
  samples_ = std::min<std::int64_t>(static_cast<std::int64_t>(std::ceil(room_->length_s * rate_hz_)),
                                    std::max<std::int64_t>(ir.size(1), 1));
  const auto early = static_cast<std::int64_t>(early_s * rate_hz_);
  samples_ = std::max(samples_, early + static_cast<std::int64_t>(0.05 * rate_hz_));
  fft_size_ = next_fast_size(samples_ + static_cast<std::int64_t>(0.05 * rate_hz_));
  target_ = torch::zeros({channels_, samples_});
  const std::int64_t kept = std::min<std::int64_t>(samples_, ir.size(1));
  target_.slice(1, 0, kept).copy_(ir.slice(1, 0, kept));

  window_ = torch::zeros({samples_});
  const auto fade = std::min(early, static_cast<std::int64_t>(crossfade_ms_ / 1000 * rate_hz_));
  auto* w = window_.data_ptr<float>();
  for (std::int64_t n = 0; n < early; ++n) {
    const double x = fade > 0 ? std::clamp(static_cast<double>(early - n) / static_cast<double>(fade), 0.0, 1.0) : 1.0;
    w[n] = static_cast<float>(0.5 - 0.5 * std::cos(std::numbers::pi * x));
  }
  omega_ = torch::arange(fft_size_ / 2 + 1, torch::kFloat64) * (2 * std::numbers::pi / static_cast<double>(fft_size_));

  const auto delays = choose_delays(lines_, room_->t60_s, rate_hz_);
  const std::size_t groups = room_->slopes.size();
  std::vector<double> ordered;
  group_lines_.clear();
  for (std::size_t g = 0; g < groups; ++g) {  // groups take turns, so that either spans short and long delays
    std::int64_t count = 0;
    for (std::size_t j = g; j < delays.size(); j += groups, ++count) ordered.push_back(static_cast<double>(delays[j]));
    group_lines_.push_back(count);
    matrices_[g]->reset(count, seed + 1000 * g, torch::kFloat32);
  }
  delays_ = torch::tensor(ordered, torch::kFloat64);
  if (learn_delays_) delays_ = leaf(delays_);

  std::mt19937_64 generator(seed ^ 0x9e3779b97f4a7c15ull);
  const auto sign = [&] { return generator() & 1 ? 1.0f : -1.0f; };
  const float size = 1.0f / std::sqrt(static_cast<float>(lines_));
  auto b = torch::empty({lines_, 1}), c = torch::empty({channels_, lines_});
  for (std::int64_t j = 0; j < lines_; ++j) b[j][0] = size * sign();
  for (std::int64_t j = 0; j < lines_; ++j) {
    const float first = sign();
    for (std::int64_t o = 0; o < channels_; ++o) {  // rows of a Hadamard-like pattern: near orthogonal from the start
      const bool flip = o > 0 && (__builtin_popcountll(static_cast<unsigned long long>(o & j)) & 1);
      c[o][j] = size * (flip ? -first : first);
    }
  }
  if (groups == 2) c.slice(1, group_lines_[0]).mul_(std::pow(10.0, room_->late_slope_db / 20));
  b_ = leaf(b);
  c_ = leaf(c);
  start_rates();
  eq_db_ = leaf(torch::zeros({channels_, static_cast<std::int64_t>(eq_hz_.size())}, torch::kFloat64));
  torch::NoGradGuard no_grad;
  start_levels();
}

void Fdn::start_rates() {
  rate_unit_ = 60.0 / (rate_hz_ * room_->t60_s);
  rates_.clear();
  const double typical = delays_.mean().item<double>();
  for (const auto& curve : room_->slopes) {
    std::vector<double> wanted;
    for (const double t60 : curve.t60_s) wanted.push_back(60.0 / (rate_hz_ * t60));
    const auto rates =
        fit_attenuation_rates(curve.hz, wanted, curve.weight, typical, cut_hz_, attenuation_q_, rate_hz_);
    rates_.push_back(leaf(torch::tensor(rates, torch::kFloat64) / rate_unit_));
  }
}

/// Equaliser gains from the energy by third octave after the early part, target over network, a few times over:
/// sections overlap.
void Fdn::start_levels() {
  const auto late = 1 - window_;
  const auto bands = static_cast<std::int64_t>(eq_hz_.size());
  auto target = room_->late_energy.clone();
  for (std::int64_t c = 0; c < channels_;
       ++c) {  // bands that cannot be measured take their neighbour's correction below
    for (int pass = 0; pass < 6; ++pass) {
      const auto raw = at::fft_irfft(at::fft_rfft(shaped_response(network())[c] * late, fft_size_));
      const auto spectrum = at::fft_rfft(raw, fft_size_);
      const torch::Tensor power = spectrum.abs().square().to(torch::kFloat64);
      std::vector<double> correction(bands, std::numeric_limits<double>::quiet_NaN());
      for (std::int64_t k = 0; k < bands; ++k) {
        const double wanted = target[c][k].item<double>();
        if (!(wanted > 0)) continue;
        const acoustics::Band band{eq_hz_[k], eq_hz_[k] * std::exp2(-1.0 / 6), eq_hz_[k] * std::exp2(1.0 / 6),
                                   eq_hz_[k]};
        if (band.high_hz > 0.98 * rate_hz_ / 2) continue;
        const auto first = static_cast<std::int64_t>(band.low_hz / rate_hz_ * static_cast<double>(fft_size_));
        const auto last = std::max(
            first + 1, static_cast<std::int64_t>(band.high_hz / rate_hz_ * static_cast<double>(fft_size_)) + 1);
        const double have = 2 * power.slice(0, first, last).sum().item<double>() / static_cast<double>(fft_size_);
        correction[k] = 10 * std::log10(wanted / std::max(have, 1e-30));
      }
      double previous = std::numeric_limits<double>::quiet_NaN();
      for (std::int64_t k = 0; k < bands; ++k)
        previous = std::isnan(correction[k]) ? (correction[k] = previous) : correction[k];
      for (std::int64_t k = bands - 1; k >= 0; --k)
        previous = std::isnan(correction[k]) ? (correction[k] = previous) : correction[k];
      if (pass == 0) {  // the common level goes into the output gains; the equaliser only shapes
        std::vector<double> sorted(correction);
        std::nth_element(sorted.begin(), sorted.begin() + bands / 2, sorted.end());
        c_[c].mul_(std::pow(10.0, sorted[bands / 2] / 20));
        for (double& value : correction) value -= sorted[bands / 2];
      }
      for (std::int64_t k = 0; k < bands; ++k) {
        const double updated = eq_db_[c][k].item<double>() + (pass == 0 ? 0.7 : 0.5) * correction[k];
        eq_db_[c][k] = std::clamp(updated, -40.0, 40.0);
      }
    }
  }
}

std::map<std::string, torch::Tensor> Fdn::parameters() const {
  if (!room_) return {};  // design() makes them
  std::map<std::string, torch::Tensor> out{{"b", b_}, {"c", c_}, {"eq_db", eq_db_}};
  for (std::size_t g = 0; g < rates_.size(); ++g) out["decay_rates." + std::to_string(g)] = rates_[g];
  for (std::size_t g = 0; g < room_->slopes.size(); ++g) {
    for (const auto& [name, tensor] : matrices_[g]->parameters())
      out["matrix." + std::to_string(g) + "." + name] = tensor;
  }
  if (learn_delays_) out["delays"] = delays_;
  return out;
}

double Fdn::rate_scale(const std::string& parameter) const {
  if (parameter == "eq_db") return 20.0;
  if (parameter == "delays") return 5.0;
  if (parameter == "c")
    return std::max(0.05, static_cast<double>(c_.detach().square().mean().sqrt().item<float>()) *
                              std::sqrt(static_cast<double>(lines_)));
  return 1.0;
}

DelayNetwork Fdn::network() const {
  DelayNetwork network;
  std::vector<torch::Tensor> blocks, filters;
  std::int64_t first = 0;
  for (std::size_t g = 0; g < room_->slopes.size(); ++g) {
    blocks.push_back(matrices_[g]->matrix());
    filters.push_back(attenuation_sos(rates_[g] * rate_unit_, delays_.slice(0, first, first + group_lines_[g]), cut_hz_,
                                      attenuation_q_, rate_hz_));
    first += group_lines_[g];
  }
  network.a = blocks.size() == 1 ? blocks[0] : at::block_diag(blocks);
  network.b = b_;
  network.c = c_;
  network.d = torch::zeros({channels_, 1});
  network.delays = delays_;
  network.line_sos = filters.size() == 1 ? filters[0] : torch::cat(filters, 0);
  network.sample_rate_hz = rate_hz_;
  return learn_delays_ ? with_whole_delays(network) : network;
}

torch::Tensor Fdn::output_sos() const {
  // Peaking sections leave 0 Hz as it is; a measured response has next to nothing there, a network as much as anywhere.
  const auto bottom = high_pass_sos(kBottomHz, rate_hz_).reshape({1, 1, 5}).expand({channels_, 1, 5});
  // The highest band is a shelf: nothing else would hold what lies between it and half the rate.
  const std::int64_t top = static_cast<std::int64_t>(eq_hz_.size()) - 1;
  const auto shelf = high_shelf_sos(eq_db_.select(1, top), eq_hz_.back() * std::exp2(-1.0 / 6), rate_hz_).unsqueeze(1);
  return torch::cat(
      {bottom, peaking_sos(eq_db_.slice(1, 0, top), {eq_hz_.begin(), eq_hz_.end() - 1}, output_q_, rate_hz_), shelf},
      1);
}

torch::Tensor Fdn::shaped_response(const DelayNetwork& network) const {
  const auto plain = impulse_response(network, samples_).squeeze(1);  // [C, T]
  const auto equaliser = cascade_response(output_sos(), omega_, torch::kFloat32);
  return at::fft_irfft(at::fft_rfft(plain, fft_size_) * equaliser, fft_size_).slice(1, 0, samples_);
}

Response Fdn::forward(const Response& /*target*/) {
  const DelayNetwork parts = network();
  const auto h = shaped_response(parts);
  const auto y = h + window_ * (target_ - h);
  Response response(y.unsqueeze(0), rate_hz_);
  response.set("feedback_matrix", parts.a);
  return response;
}

torch::Tensor Fdn::early_part() const {
  torch::NoGradGuard no_grad;
  const auto early = static_cast<std::int64_t>(early_ms_ / 1000 * rate_hz_);
  return (window_ * (target_ - shaped_response(network()))).slice(1, 0, early).contiguous();
}

DIFFVERB_PART(models, fdn, Fdn, "Feedback delay network with an early part, fitted to a measured response",
              "Jot and Chaigne 1991; Schlecht and Habets 2017")

}  // namespace diffverb
