#include <ATen/ops/pow.h>

#include "core/filters/one_pole.h"
#include "models/network_model.h"
#include "models/primes.h"

namespace diffverb {
namespace {

/// CCRMA's NRev as STK plays it: six combs side by side, three allpasses, a low-pass and a fourth allpass in series, then
/// an allpass of its own for each of the two outputs.
///
///   comb     y = z^-m v,  v = x + g z^-(m+1) v,   g = 10^(-3 m / (T60 fs))
///   allpass  w = z^-(m+1) v,  v = x + 0.7 w,  y = w - 0.7 v
///   low-pass y = 0.3 x + 0.7 z^-1 y
///
/// The delays were found for the Samson box at 25641 Hz; at another rate each becomes the next odd prime above its scaled
/// whole part. STK reads a line's last output before it writes, so that its loops are one sample longer than that: kept
/// here. Of STK's fifteen lengths the last seven are not all played: 37, 29 and 19 belong to outputs 3 and 4 of the
/// original. `mix` is STK's too (there 0.3): wet against dry. The low-pass keeps the time constant it has at 44.1 kHz,
/// STK's own rate; STK leaves its coefficient as it is at any rate.
///
/// Source   Cook & Scavone, The Synthesis ToolKit 4.6/5.0: NRev.cpp, NRev.h, Delay.h; after CLM's nrev
class Nrev final : public NetworkModel {
 public:
  explicit Nrev(Fields& f) {
    own().add(f, "decay_s", 1.0, between(0.05, 30), "s");
    own().add(f, "allpass_gain", 0.7, between(-0.95, 0.95));
    own().add(f, "lowpass_pole", 0.7, between(0, 0.98));
    own().add(f, "mix", 1.0, between(0, 1), "", Knobs::Kind::kFixed);
    own().add(f, "comb_samples", {1433, 1601, 1867, 2053, 2251, 2399}, between(20, 20000), "1/25641 s",
              Knobs::Kind::kFixed);
    own().add(f, "allpass_samples", {347, 113, 37, 59, 53, 43}, between(2, 20000), "1/25641 s", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(1, rate);
    const auto comb = primes_at(knobs()["comb_samples"], rate / kPublishedRate_hz);
    const auto lengths = primes_at(knobs()["allpass_samples"], rate / kPublishedRate_hz);
    const auto allpass = [&](const SignalFlow::Signal& in, std::int64_t i) {
      return flow.allpass(in, knobs()["allpass_gain"], lengths[i] + 1);
    };
    SignalFlow::Signal sum;
    for (std::int64_t i = 0; i < comb.size(0); ++i) {
      const auto loop = flow.loop();
      const auto line = flow.delay(flow.input(0) + loop, comb[i] + 1);
      flow.close(loop, at::pow(10.0, -3 * comb[i] / (knobs()["decay_s"] * rate)) * line);
      sum = sum + flow.tap(line, comb[i]);
    }
    for (std::int64_t i = 0; i < 3; ++i) sum = allpass(sum, i);
    sum = flow.filter(sum, one_pole_sos(pole_at_rate(knobs()["lowpass_pole"], 44100, rate)));
    sum = allpass(sum, 3);
    const auto mix = knobs()["mix"];
    const auto dry = (1 - mix) * flow.input(0);
    return flow.network({mix * allpass(sum, 4) + dry, mix * allpass(sum, 5) + dry});
  }

 private:
  static constexpr double kPublishedRate_hz = 25641;
};

}  // namespace

DIFFVERB_PART(models, nrev, Nrev,
              "Six combs, four allpasses and a low-pass in series, an allpass for each of two outputs",
              "Cook & Scavone, STK; CLM nrev, CCRMA")

}  // namespace diffverb
