#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "models/decay_change.h"
#include "models/octave_equaliser.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

/// Several responses of one space, the sound moving slowly between them.
///
///   y = sum_r h_r * (g_r x),   g_r = a_r / sqrt(sum_s a_s^2),   a_r = level_r (1 + depth_r m_r(t))
///   m_r = (1 - wander) s(1) + wander (s(1) + s(phi) + s(phi^2)) / 3,   s(k) = sin 2 pi (k rate_r t + phase_r)
///
/// Each has a rate, a depth and a phase of its own; the squares of the gains sum to 1 at all times. phi is the golden
/// ratio, so that a gain that wanders does not come round.
///
/// Reads    responses (of positions of a microphone, say) and what else ResponseFiles reads; stretch: of the decay of each
///          (models/decay_change.h), for who has one file only and names it several times
/// Gradient to level, depth, phase_turns, rate_hz, wander, level_db, eq_db
/// Throws   DataError where a file is no response, or where they differ in channels
class FusionIr final : public MovingResponseModel {
 public:
  explicit FusionIr(Fields& f) : files_(f) {
    const std::size_t count = files_.count();
    std::vector<double> rates, phases;
    for (std::size_t r = 0; r < count; ++r) {
      const double part = static_cast<double>(r) / static_cast<double>(count);
      rates.push_back(0.11 * std::pow(std::numbers::phi, part));
      phases.push_back(part);
    }
    own().add(f, "level", std::vector<double>(count, 1.0), between(0, 4));
    own().add(f, "depth", std::vector<double>(count, 0.7), between(0, 0.99));
    own().add(f, "rate_hz", rates, between(0, 20), "Hz", Knobs::Kind::kFixed);
    own().add(f, "phase_turns", phases, between(-1, 2), "turns");
    own().add(f, "wander", 0.5, between(0, 1));
    std::vector<double> stretch(count, 1.0);
    f.optional("stretch", stretch, between(0.25, 4));
    if (stretch.size() != count) f.fail("stretch", "one number a response expected");
    add_octave_equaliser(own(), f);
    own().choose(f);
    if (f.is_recording()) return;
    const auto loaded = files_.read();
    rate_hz_ = loaded.rate_hz;
    taps_ = stretched(loaded.taps, stretch);
  }

  double sample_rate_hz() const override { return rate_hz_; }

  Parts parts() const override {
    const auto wander = knobs()["wander"], level = knobs()["level"], depth = knobs()["depth"] * level;
    const auto rate = knobs()["rate_hz"], phase = knobs()["phase_turns"];
    Parts parts;
    parts.taps = equalised(taps_, knobs(), rate_hz_);
    parts.before.mean = level;
    parts.before.depth = at::stack({depth * (1 - wander * (2.0 / 3)), depth * wander / 3, depth * wander / 3}, 1);
    parts.before.rate_hz = at::stack({rate, rate * std::numbers::phi, rate * (std::numbers::phi + 1)}, 1);
    parts.before.phase_turns = at::stack({phase, phase, phase}, 1);
    parts.equal_power = true;
    return parts;
  }

 private:
  at::Tensor stretched(const at::Tensor& taps, const std::vector<double>& stretch) const {
    const at::NoGradGuard no_grad;
    const std::int64_t outputs = taps.size(1), inputs = taps.size(2);
    std::vector<at::Tensor> out;
    std::int64_t longest = taps.size(3);
    for (std::size_t r = 0; r < stretch.size(); ++r) {
      out.push_back(taps[static_cast<std::int64_t>(r)]);
      if (stretch[r] == 1) continue;
      DecayChange change(out[r].reshape({outputs * inputs, -1}), {.rate_hz = rate_hz_, .seed = r + 1});
      const auto ratios = at::tensor(std::vector<double>(DecayChange::band_hz().size(), stretch[r]), at::kDouble);
      change.settle(ratios);
      const std::int64_t samples = change.samples_for(ratios);
      out[r] = change.apply(ratios, samples).reshape({outputs, inputs, samples});
      longest = std::max(longest, samples);
    }
    for (at::Tensor& one : out) one = at::constant_pad_nd(one, {0, longest - one.size(2)});
    return at::stack(out);
  }

  ResponseFiles files_;
  at::Tensor taps_;  // [R, O, I, L]
  double rate_hz_ = 48000;
};

}  // namespace

DIFFVERB_PART(models, fusion_ir, FusionIr, "Several responses of one space, the sound moving slowly between them",
              "after descriptions of LiquidSonics' Fusion-IR")

}  // namespace diffverb
