#include <ATen/ops/pow.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <numbers>

#include "core/filters/one_pole.h"
#include "models/combs.h"
#include "models/network_model.h"
#include "models/primes.h"

namespace diffverb {
namespace {

constexpr double kPublishedRate_hz = 25641;  // of the delays
constexpr double kOwnRate_hz = 44100;        // of the coefficients, which the published code leaves as they are

/// (b0 + b1 z^-1) / (1 + a1 z^-1)
struct FirstOrder {
  at::Tensor b0, b1, a1;
};

at::Tensor in_series(const FirstOrder& f, const FirstOrder& g) {
  return at::stack({f.b0 * g.b0, f.b0 * g.b1 + f.b1 * g.b0, f.b1 * g.b1, f.a1 + g.a1, f.a1 * g.a1}).unsqueeze(0);
}

/// NVerb, version 2: Freeverb3's nrevb, NRev with eighteen combs a side, whose chain of allpasses stands inside one more
/// allpass lattice that is fed back to its input.
///
///   x      a DC cut at 8 Hz and the high-boost (1 - h) / (1 + h z^-1) of the sum of both inputs
///   combs  c = sum_i z^-m_i / (1 - g_i L(z) z^-m_i) x,   g_i = 10^(-3 m_i / (T60 fs)),  L a low-pass
///   outer  v = x + g w(n - 1),   y = w(n - 1) - g v
///   inner  w = DC cut, allpass, allpass, low-pass, six allpasses of (v + c)
///   left   0.4 (wet1 y_left + wet2 y_right)
///
/// Exact: all of this, the delays (the next primes above the scaled ones at 25641 Hz, on the right 13 samples later) and
/// the right side's last allpass, for which the code takes one of the left's. Our reading: that the "nested allpass
/// filters plus input feedback" of NVerb v2 mean this lattice; low-passes keep the time constants they have at 44.1
/// kHz, where the code keeps their coefficients (the high-boost, which turns at half the rate, keeps its own). The dry path is left out. "Improved low-frequency resonance": the combs'
/// delays add up to 2.8 times those of NRev, as many more modes a hertz, and nothing else speaks to low frequencies.
///
/// Source   Teru Kamogashira, Freeverb3 3.2: nrevb.cpp, nrev.cpp, comb_t.hpp, allpass_t.hpp, efilter.cpp
class Nverb final : public NetworkModel {
 public:
  explicit Nverb(Fields& f) {
    own().add(f, "decay_s", 1.0, between(0.05, 30), "s");
    own().add(f, "damping", 0.1, between(0, 0.9));
    own().add(f, "allpass_gain", 0.5, between(-0.9, 0.9));
    own().add(f, "input_feedback", 0.2, between(-0.9, 0.9));
    own().add(f, "lowpass_pole", 0.5, between(0, 0.95));
    own().add(f, "high_boost", 0.5, between(0, 0.9));
    own().add(f, "dc_cut_hz", 8, between(1, 200), "Hz", Knobs::Kind::kFixed);
    own().add(f, "width", 1.0, between(0, 1));
    own().add(f, "wet", 1.0, between(0, 1));
    own().add(
        f, "comb_samples",
        {1433, 1601, 1867, 2053, 2251, 2399, 1257, 1333, 1499, 1501, 1535, 1637, 1738, 1904, 1999, 2020, 2120, 2509},
        between(20, 20000), "1/25641 s", Knobs::Kind::kFixed);
    // before the low-pass six, after it one for both sides, then one for each side
    own().add(f, "allpass_samples", {347, 113, 37, 57, 87, 103, 59, 43, 37}, between(2, 20000), "1/25641 s",
              Knobs::Kind::kFixed);
    own().add(f, "spread_samples", 13, between(0, 500), "1/25641 s", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(2, rate);
    const auto damping = pole_at_rate(knobs()["damping"], kOwnRate_hz, rate);
    const auto dc_cut = dc_cut_at(rate);
    const auto h = knobs()["high_boost"];
    const auto both = flow.input(0) + flow.input(1);
    const auto x = flow.filter(both, in_series(dc_cut, {1 - h, 0 * h, h}));
    const auto undamped = flow.filter(x, undamped_sos(damping));
    const auto comb_samples = knobs()["comb_samples"], allpass_samples = knobs()["allpass_samples"];
    SignalFlow::Signal sides[2];
    for (int side = 0; side < 2; ++side) {
      const double scale = rate / kPublishedRate_hz, spread = side * knobs().number("spread_samples");
      const auto samples = primes_at(comb_samples, scale, spread), lengths = primes_at(allpass_samples, scale, spread);
      const auto gains = at::pow(10.0, -3 * samples / (knobs()["decay_s"] * rate));
      const auto last = side == 0 ? lengths[7] : primes_at(allpass_samples, scale)[8];
      const auto combs = damped_combs(flow, undamped, samples, gains, damping);
      sides[side] = flow.allpass(x, knobs()["input_feedback"], [&](const SignalFlow::Signal& v) {
        return inner(flow, v + combs, lengths, last, dc_cut);
      });
    }
    const auto wet = 0.4 * knobs()["wet"], width = knobs()["width"];
    const auto near = wet * (width / 2 + 0.5), far = wet * (1 - width) / 2;
    return flow.network({near * sides[0] + far * sides[1], near * sides[1] + far * sides[0]});
  }

 private:
  SignalFlow::Signal inner(SignalFlow& flow, SignalFlow::Signal signal, const at::Tensor& lengths,
                           const at::Tensor& last, const FirstOrder& dc_cut) const {
    const auto gain = knobs()["allpass_gain"];
    for (std::int64_t i = 0; i < 6; ++i) signal = flow.allpass(signal, gain, lengths[i]);
    signal =
        flow.filter(signal, one_pole_sos(pole_at_rate(knobs()["lowpass_pole"], kOwnRate_hz, flow.sample_rate_hz())));
    signal = flow.allpass(flow.allpass(signal, gain, lengths[6]), gain, last);
    const auto zero = 0 * dc_cut.b0;
    return flow.delay(signal, 1.0, at::stack({dc_cut.b0, dc_cut.b1, zero, dc_cut.a1, zero}).unsqueeze(0));
  }

  /// (1 - z^-1) / (1 - a z^-1), a as Freeverb3 finds it from the cutoff.
  FirstOrder dc_cut_at(double rate) const {
    const auto w = 2 * std::numbers::pi / rate * knobs()["dc_cut_hz"];
    const double root = std::sqrt(3.0);
    const auto one = 0 * w + 1;
    return {one, -one, -(root - 2 * w.sin()) / (w.sin() + root * w.cos())};
  }
};

}  // namespace

DIFFVERB_PART(models, nverb, Nverb, "NRev with more combs, its allpasses nested in another with input feedback, stereo",
              "Kamogashira, Freeverb3 (NRev v2)")

}  // namespace diffverb
