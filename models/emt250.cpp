#include <ATen/ops/full_like.h>
#include <ATen/ops/pow.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/filters/one_pole.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

/// In the manner of the EMT 250 (1976), the first digital reverberator: one short loop with three allpasses in it, so few
/// and so short that single echoes remain to be heard as grain, and a wide stereo image of taps along the loop.
///
///   loop gain  L = g (1 - l(z)) + g_low l(z), times a low-pass;  g = 10^(-3 D / (fs T)), g_low with T low_ratio
///
/// D: all delays of the loop; l: a low-pass at 300 Hz. Our design: what the unit computed is not published. It rests on
/// its published controls (0.4 to 4.5 s, low frequencies 0.5 to 2 times that, high ones 0.25 to 1 times, up to 60 ms of
/// predelay), its rate of 24 kHz, and its being described as a short loop with allpasses.
class Emt250 final : public NetworkModel {
 public:
  explicit Emt250(Fields& f) {
    own().add(f, "decay_s", 2.0, between(0.4, 8), "s");
    own().add(f, "low_ratio", 1.2, between(0.5, 2));
    own().add(f, "high_ratio", 0.5, between(0.25, 1));
    own().add(f, "allpass_gain", {0.55, -0.5, 0.45}, between(-0.75, 0.75));
    own().add(f, "input_allpass_gain", {0.6, 0.6}, between(-0.75, 0.75));
    own().add(f, "input_low_pass_hz", 9000.0, between(500, 11000), "Hz");
    own().add(f, "wet", 1.0, between(0, 4));
    own().add(f, "predelay_ms", 0.0, between(0, 60), "ms", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(2, rate);
    const double scale = rate / kRate;
    auto x = 0.5 * (flow.input(0) + flow.input(1));
    if (knobs().number("predelay_ms") > 0 || knobs().is_learned("predelay_ms"))
      x = flow.delay(x, knobs()["predelay_ms"] * (rate / 1000));
    x = flow.filter(x, one_pole_sos(one_pole_at(knobs()["input_low_pass_hz"].clamp_max(0.45 * rate), rate)));
    for (std::size_t i = 0; i < kInput.size(); ++i)
      x = flow.allpass(x, knobs().at("input_allpass_gain", static_cast<std::int64_t>(i)), scale * kInput[i]);

    const auto loop = flow.loop();
    std::array<SignalFlow::Signal, 3> lines;
    auto y = x + loop;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      lines[i] = flow.delay(y, scale * kDelays[i]);
      y = flow.allpass(lines[i], knobs().at("allpass_gain", static_cast<std::int64_t>(i)), scale * kAllpasses[i]);
    }
    flow.close(loop, damped(flow, y, rate));

    // Signs alternate and no tap is heard on both sides: the sides have little in common.
    const auto tap = [&](std::size_t line, double share) {
      return flow.tap(lines[line], scale * share * kDelays[line]);
    };
    const auto wet = 0.5 * knobs()["wet"];
    const auto left = tap(0, 0.31) - tap(1, 0.11) + tap(1, 0.83) - tap(2, 0.47);
    const auto right = tap(0, 0.71) + tap(1, 0.39) - tap(2, 0.19) + tap(2, 0.89);
    return flow.network({wet * left, wet * right});
  }

 private:
  static constexpr double kRate = 24000, kLowHz = 300, kHighHz = 6000;
  // Primes: 26 to 36 ms and 5 to 11 ms.
  static constexpr std::array<double, 2> kInput = {113, 79};
  static constexpr std::array<double, 3> kDelays = {631, 743, 863}, kAllpasses = {127, 191, 263};

  /// Once round the loop: what is lost, by frequency; high ones to no less than 0.05, which a low-pass of first order has.
  SignalFlow::Signal damped(SignalFlow& flow, const SignalFlow::Signal& in, double rate) const {
    double samples = 0;
    for (std::size_t i = 0; i < kDelays.size(); ++i) samples += kDelays[i] + kAllpasses[i];
    const auto gain = [&](const at::Tensor& t60_s) { return at::pow(10.0, -3 * samples / kRate / t60_s); };
    const auto middle = gain(knobs()["decay_s"]), low = gain(knobs()["decay_s"] * knobs()["low_ratio"]);
    const auto high = gain(knobs()["decay_s"] * knobs()["high_ratio"]);
    const auto bass = one_pole_sos(one_pole_at(at::full_like(middle, kLowHz), rate));
    const auto mixed = middle * in + (low - middle) * flow.filter(in, bass);
    return flow.filter(mixed, one_pole_sos(pole_for((high / middle).clamp_min(0.05), rate)));
  }

  /// The pole of a low-pass of unit gain at 0 Hz that has this gain at 6 kHz: with |H|^2 = (1 - p)^2 / (1 - 2 p c + p^2),
  /// p = q - sqrt(q^2 - 1), q = (1 - c g^2) / (1 - g^2).
  static at::Tensor pole_for(const at::Tensor& gain, double rate) {
    const double c = std::cos(2 * std::numbers::pi * std::min(kHighHz, 0.45 * rate) / rate);
    const auto square = gain.square().clamp_max(1 - 1e-6);
    const auto q = (1 - c * square) / (1 - square);
    return 1 / (q + (q.square() - 1).clamp_min(0).sqrt());
  }
};

}  // namespace

DIFFVERB_PART(models, emt250, Emt250, "One short loop with allpasses and taps, granular, in the manner of the EMT 250",
              "our design; EMT 1976")

}  // namespace diffverb
