#include <ATen/ops/pow.h>

#include "core/filters/one_pole.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

/// Schroeder's reverberator: parallel combs, then allpasses in series. The combs' gains follow from the decay time,
/// g = 10^(-3 m / T60); Moorer's low-pass in each comb (damping 0: none) lets high frequencies decay faster.
///
///   H = A_1 A_2 sum_i z^-m_i / (1 - g_i L(z) z^-m_i) / 4
///
/// Source   Schroeder 1962, "Natural sounding artificial reverberation"; Moorer 1979, "About this reverberation business"
class Schroeder final : public NetworkModel {
 public:
  explicit Schroeder(Fields& f) {
    own().add(f, "decay_s", 1.5, between(0.1, 20), "s");
    own().add(f, "comb_ms", {29.7, 37.1, 41.1, 43.7}, between(5, 200), "ms", Knobs::Kind::kFixed);
    own().add(f, "damping", 0.0, between(0, 0.95));
    own().add(f, "allpass_ms", {5.0, 1.7}, between(0.5, 50), "ms", Knobs::Kind::kFixed);
    own().add(f, "allpass_gain", {0.7, 0.7}, between(-0.9, 0.9));
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(1, rate);
    const auto comb_s = knobs()["comb_ms"] / 1000, allpass_s = knobs()["allpass_ms"] / 1000;
    const auto damping = one_pole_sos(pole_at_rate(knobs()["damping"], 48000, rate));
    SignalFlow::Signal sum;
    for (std::int64_t i = 0; i < comb_s.size(0); ++i) {
      const auto loop = flow.loop();
      const auto line = flow.delay(flow.input(0) + loop, comb_s[i] * rate);
      flow.close(loop, at::pow(10.0, -3 * comb_s[i] / knobs()["decay_s"]) * flow.filter(line, damping));
      sum = sum + 0.25 * line;
    }
    for (std::int64_t i = 0; i < allpass_s.size(0); ++i)
      sum = flow.allpass(sum, knobs().at("allpass_gain", i), allpass_s[i] * rate);
    return flow.network({sum});
  }
};

}  // namespace

DIFFVERB_PART(models, schroeder, Schroeder, "Parallel combs with damping, then series allpasses",
              "Schroeder 1962; Moorer 1979")

}  // namespace diffverb
