#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>

#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "models/freeverb3_filters.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

using Signal = SignalFlow::Signal;
using Inside = std::function<Signal(const Signal&)>;
using freeverb3::all_pass, freeverb3::dc_cut, freeverb3::low_pass;

constexpr double kRate = 34125;  // that of all delays below
constexpr std::array<double, 10> kDiffuser[2] = {{617, 535, 434, 347, 218, 162, 144, 122, 109, 74},
                                                 {603, 547, 416, 364, 236, 162, 140, 131, 111, 79}};
constexpr std::array<double, 4> kCross[2] = {{430, 341, 264, 174}, {447, 324, 247, 191}};

/// One half of the loop, left or right. Nested allpasses from inside to outside.
struct Sizes {
  double first, between, second, before, pair[2], middle, triple[3], last, excursion;
};
constexpr Sizes kSizes[2] = {{239, 2, 392, 1055, {1944, 612}, 344, {1212, 816, 1264}, 1572, 121},
                             {205, 1, 329, 1460, {2032, 368}, 500, {1452, 688, 1340}, 16, 5}};

/// The lines in which the output taps lie, and those that move.
struct Half {
  Signal first, second, before, pair[2], middle, triple[3], last;
};

/// Freeverb3's ProG ("Progenitor Reverb V2", after Griesinger's hall for the Lexicon 224): ten diffusing allpasses on each
/// side, a crossfeed through four more, a loop of two halves with nested allpasses that each lose a little, and 32 taps.
///
///   gain of the loop 0.237^(1/T); of the allpasses' delays 0.938^(1/T), 0.844^(1/T), 0.906^(1/T); T: rt60_s
///   y = d w - g v, v = x + g w: an allpass that loses
///
/// Exact, at rest and at 34125 Hz with its prime mode off: all delays, taps, gains, signs and filters, with its slips (a
/// tap at 468 where its comment says 2; the innermost taps, which count from the read head, at 1116 and 1456). Ours: the
/// bass boost ends where the loop would reach a gain of 0.98, and low-passes stay below 0.49 of the rate. Not played:
/// noise on gains and delays, and the moving gain of the output's comb, which is 0 on average.
/// Source   Freeverb3 as of March 2018, freeverb/progenitor.cpp and progenitor2.cpp, defaults of the constructors
class Progenitor final : public NetworkModel {
 public:
  explicit Progenitor(Fields& f) {
    own().add(f, "rt60_s", 2.0, between(0.4, 20), "s");
    own().add(f, "diffusion", {0.375, 0.312, 0.406, 0.25}, between(0, 0.8));
    own().add(f, "input_diffusion", {-0.78, 0.78}, between(-0.9, 0.9));
    own().add(f, "crossfeed", 0.4, between(0, 1));
    own().add(f, "bass_boost", 0.1, between(0, 1));
    own().add(f, "bass_hz", 500.0, between(20, 1000), "Hz");
    own().add(f, "dc_cut_hz", 5.0, between(1, 100), "Hz");
    own().add(f, "input_low_pass_hz", 20000.0, between(200, 20000), "Hz");
    own().add(f, "damping_hz", 9000.0, between(200, 20000), "Hz");
    own().add(f, "output_low_pass_hz", 10000.0, between(200, 16000), "Hz");
    own().add(f, "wander", 0.5, between(0, 0.9), "", Knobs::Kind::kFixed);
    own().add(f, "spin_hz", 0.5, between(0, 5), "Hz", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "rt60_s"; }
  DelayNetwork build(double rate) const override { return drawn(rate).first; }
  std::vector<LineMotion> motion(double rate) const override { return drawn(rate).second; }

 private:
  static Signal lossy(SignalFlow& flow, const Signal& in, const at::Tensor& g, const at::Tensor& d,
                      const Inside& inside) {
    const Signal v = flow.loop(), w = inside(v);
    flow.close(v, in + g * w);
    return d * w - g * v;
  }

  Half half(SignalFlow& flow, const Signal& in, const Sizes& sizes) const {
    const double scale = flow.sample_rate_hz() / kRate;
    const auto g = knobs()["diffusion"];
    const auto d = at::pow(at::tensor({0.938, 0.844, 0.906}, at::kDouble), 1 / knobs()["rt60_s"]);
    const auto line = [&](Signal& handle, double samples) {
      return [&flow, &handle, samples, scale](const Signal& v) { return handle = flow.delay(v, samples * scale); };
    };
    /// inside(v) and then a line.
    const auto after = [](const Inside& inside, const Inside& then) {
      return [=](const Signal& v) { return then(inside(v)); };
    };
    Half h;
    Signal between;
    auto x = flow.filter(in, low_pass(knobs()["damping_hz"], flow.sample_rate_hz()));
    x = lossy(flow, x, g[0], d[1], line(h.first, sizes.first));
    x = line(between, sizes.between)(x);
    x = lossy(flow, x, g[1], d[2], line(h.second, sizes.second));
    x = line(h.before, sizes.before)(x);
    const auto innermost = [&](Signal& handle, double samples) -> Inside {
      return [&, samples](const Signal& v) { return lossy(flow, v, g[3], d[0], line(handle, samples)); };
    };
    x = lossy(flow, x, g[2], d[1], after(innermost(h.pair[0], sizes.pair[0]), line(h.pair[1], sizes.pair[1])));
    x = line(h.middle, sizes.middle)(x);
    const Inside two = after(innermost(h.triple[0], sizes.triple[0]), line(h.triple[1], sizes.triple[1]));
    const Inside nested = [&](const Signal& v) { return lossy(flow, v, g[3], d[0], two); };
    x = lossy(flow, x, g[2], d[1], after(nested, line(h.triple[2], sizes.triple[2])));
    line(h.last, sizes.last)(x);
    return h;
  }

  std::pair<DelayNetwork, std::vector<LineMotion>> drawn(double rate) const {
    SignalFlow flow(2, rate);
    const double scale = rate / kRate, hz = knobs().number("spin_hz");
    std::vector<LineMotion> motion;
    const auto move = [&](const Signal& line, double samples, double sign) {
      motion.push_back({.line = flow.line_of(line),
                        .depth_samples = knobs()["wander"] * (samples * scale),
                        .rate_hz = hz,
                        .phase_turns = sign > 0 ? 0 : 0.5});
    };
    Signal spread[2], crossed[2], in[2];
    for (int side = 0; side < 2; ++side) {
      auto x = flow.filter(flow.input(side), dc_cut(knobs()["dc_cut_hz"], rate));
      double sign = -1;
      for (const double samples : kDiffuser[side]) {
        x = flow.allpass(x, knobs().at("input_diffusion", 0), [&](const Signal& v) {
          const auto line = flow.delay(v, samples * scale);
          move(line, 10, side == 0 ? sign : 1);
          return line;
        });
        sign = -sign;
      }
      spread[side] = crossed[side] = x;
      for (const double samples : kCross[side])
        crossed[side] = flow.allpass(crossed[side], knobs().at("input_diffusion", 1), samples * scale);
    }
    const auto gain = at::pow(0.237, 1 / knobs()["rt60_s"]),
               boost = at::minimum(knobs()["bass_boost"], 0.98 / gain - 1);
    const auto bass_hz = knobs()["bass_hz"];
    const auto bass = at::cat({all_pass(at::full_like(bass_hz, 150), 4, rate), low_pass(bass_hz, 2, rate)});
    const auto input_tone = low_pass(knobs()["input_low_pass_hz"], rate);
    Signal from[2] = {flow.loop(), flow.loop()};
    Half halves[2];
    for (int side = 0; side < 2; ++side) {
      in[side] = flow.filter(spread[side] + knobs()["crossfeed"] * crossed[1 - side], input_tone);
      const Signal other = from[1 - side];
      halves[side] = half(flow, in[side] + gain * (other + boost * flow.filter(other, bass)), kSizes[side]);
      const Half& h = halves[side];
      const double sign = side == 0 ? 1 : -1;
      move(h.first, 32, sign);
      move(h.second, 32, -sign);
      move(h.triple[0], kSizes[side].excursion, sign);
    }
    for (int side = 0; side < 2; ++side) flow.close(from[side], halves[side].last);
    const auto [left, right] = heard(flow, halves[0], halves[1]);
    const auto tone = low_pass(knobs()["output_low_pass_hz"].clamp_max(rate / 2.5), 2, rate);
    return {flow.network({flow.filter(left, tone), flow.filter(right, tone)}), motion};
  }

  /// Its taps are counted from 1: the newest sample.
  static std::pair<Signal, Signal> heard(SignalFlow& flow, const Half& l, const Half& r) {
    const double scale = flow.sample_rate_hz() / kRate;
    const auto z = [&](const Signal& line, double number) { return flow.tap(line, (number - 1) * scale); };
    const auto left =
        0.469 * z(l.before, 1) +
        0.219 * (z(l.middle, 40) - z(r.middle, 192) + z(l.middle, 276) - z(r.before, 110) - z(r.middle, 468)) +
        0.064 * (z(l.last, 1572) + z(l.pair[0], 121) + z(l.pair[1], 480) - z(r.pair[1], 103) + z(l.triple[0], 1117) +
                 z(l.triple[1], 780) + z(l.triple[2], 1200) - z(r.triple[1], 310)) +
        0.045 * z(l.last, 780);
    const auto right =
        0.469 * z(r.before, 625) +
        0.219 * (z(r.middle, 468) - z(l.middle, 312) + z(r.middle, 24) - z(l.last, 36) - z(l.before, 790) -
                 z(l.middle, 189)) +
        0.064 * (z(r.last, 8) + z(r.pair[0], 10) + z(r.pair[1], 359) - z(l.pair[1], 30) + z(r.triple[0], 1457) +
                 z(r.triple[1], 109) + z(r.triple[2], 1310) - z(l.triple[1], 800)) +
        0.045 * z(r.last, 10);
    return {left, right};
  }
};

}  // namespace

DIFFVERB_PART(models, progenitor, Progenitor,
              "Freeverb3's ProG: a hall of nested allpasses with two diffusers and 32 taps",
              "Griesinger about 1978; Kamogashira")

}  // namespace diffverb
