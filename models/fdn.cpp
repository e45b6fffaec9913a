#include "models/fdn.h"

#include <ATen/ops/block_diag.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/error.h"
#include "core/filters/attenuation.h"
#include "core/filters/peaking.h"
#include "core/nearest.h"
#include "core/solvers/solvers.h"

namespace diffverb {
namespace {

constexpr double kShortestDelay = 2;    // samples
constexpr double kHighestShare = 0.46;  // of the sample rate: centres of cuts and equaliser bands lie below

at::Tensor leaf(at::Tensor value) { return value.detach().clone().set_requires_grad(true); }

}  // namespace

Fdn::Fdn(Fields& f) : RoomModel(f) {
  f.optional("lines", lines_, between(2, 64));
  f.optional("groups", groups_, between(0, 2));
  f.optional("cuts_per_octave", cuts_per_octave_, between(0, 3));
  f.optional("attenuation_q", attenuation_q_, inside(0.1, 20));
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

void Fdn::design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t seed, std::int64_t groups_wanted) {
  rate_hz_ = sample_rate_hz;
  channels_ = ir.size(0);
  const auto& eq_hz = shape().start(rate_hz_);
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
  const double early_s = early_ms() / 1000;
  const auto design_with = [&](std::int64_t slopes) {
    room_ = std::make_shared<RoomDesign>(design_room(
        ir, rate_hz_, eq_hz, {.slopes = static_cast<int>(slopes), .early_s = early_s, .longest_s = longest_s_}));
  };
  design_with(groups_ > 0 ? groups_ : groups_wanted);
  // Two groups are what the analysis likes, not what was asked for: a matrix that exists for all lines only keeps them.
  const bool splits = matrices_[0]->exists_for((lines_ + 1) / 2) && matrices_[1]->exists_for(lines_ / 2);
  if (groups_ == 0 && room_->slopes.size() == 2 && !splits) design_with(1);
  shape().design(ir, *room_);

  const auto delays = choose_delays(lines_, room_->t60_s, rate_hz_);
  const std::size_t groups = room_->slopes.size();
  std::vector<double> ordered;
  group_lines_.clear();
  for (std::size_t g = 0; g < groups; ++g) {  // groups take turns, so that either spans short and long delays
    std::int64_t count = 0;
    for (std::size_t j = g; j < delays.size(); j += groups, ++count) ordered.push_back(static_cast<double>(delays[j]));
    group_lines_.push_back(count);
    matrices_[g]->reset(count, seed + 1000 * g, at::kFloat);
  }
  fixed_.assign(groups, {});
  delays_ = at::tensor(ordered, at::kDouble);
  if (learn_delays_) delays_ = leaf(delays_);

  std::mt19937_64 generator(seed ^ 0x9e3779b97f4a7c15ull);
  const auto sign = [&] { return generator() & 1 ? 1.0f : -1.0f; };
  const float size = 1.0f / std::sqrt(static_cast<float>(lines_));
  auto b = at::empty({lines_, 1}), c = at::empty({channels_, lines_});
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
  shape().start_levels(
      *room_, [&] { return plain_response(network()); },
      [&](std::int64_t output, double factor) { c_[output].mul_(factor); });
}

void Fdn::move_to(at::Device device) {
  for (auto [name, tensor] : parameters()) tensor.set_data(tensor.detach().to(device));
  shape().move_to(device);
  if (!learn_delays_) delays_ = delays_.to(device);
  for (std::size_t g = 0; g < fixed_.size(); ++g) {
    if (matrices_[g]->parameters().empty()) fixed_[g] = matrices_[g]->matrix().to(device);
  }
}

at::Tensor Fdn::matrix_of(std::size_t group) const {
  return fixed_[group].defined() ? fixed_[group] : matrices_[group]->matrix();
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
    rates_.push_back(leaf(at::tensor(rates, at::kDouble) / rate_unit_));
  }
}

std::map<std::string, at::Tensor> Fdn::parameters() const {
  if (!room_) return {};  // design() makes them
  std::map<std::string, at::Tensor> out{{"b", b_}, {"c", c_}, {"eq_db", shape().gains_db()}};
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
  // No shorter than the interpolator of learned delays takes.
  const auto delays = learn_delays_ ? delays_.clamp_min(kShortestDelay) : delays_;
  DelayNetwork network;
  network.is_sound = true;  // the matrices keep energy, the filters cut, whatever the parameters are
  std::vector<at::Tensor> blocks, filters;
  std::int64_t first = 0;
  for (std::size_t g = 0; g < room_->slopes.size(); ++g) {
    blocks.push_back(matrix_of(g));
    network.is_sound = network.is_sound && matrices_[g]->is_orthogonal();
    filters.push_back(attenuation_sos(rates_[g] * rate_unit_, delays.slice(0, first, first + group_lines_[g]), cut_hz_,
                                      attenuation_q_, rate_hz_));
    first += group_lines_[g];
  }
  network.a = blocks.size() == 1 ? blocks[0] : at::block_diag(blocks);
  network.b = b_;
  network.c = c_;
  network.d = at::zeros({channels_, 1}, c_.options().requires_grad(false));
  network.delays = delays;
  network.line_sos = filters.size() == 1 ? filters[0] : at::cat(filters, 0);
  network.sample_rate_hz = rate_hz_;
  return learn_delays_ ? with_whole_delays(network) : network;
}

DIFFVERB_PART(models, fdn, Fdn, "Feedback delay network with an early part, fitted to a measured response",
              "Jot and Chaigne 1991; Schlecht and Habets 2017")

}  // namespace diffverb
