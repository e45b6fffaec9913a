#include <ATen/ops/pow.h>

#include <array>
#include <utility>
#include <vector>

#include "core/filters/one_pole.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

/// A concert hall in the manner of the Lexicon 224, as its form is believed to be: chorus combs, allpasses, nested
/// allpasses. Eight parallel combs whose delays move, each at a pace of its own; on each side a sum of them with other
/// signs, two allpasses, and an allpass in an allpass.
///
///   comb     1 / (1 - g L(z) z^-m),  g = 10^(-3 m / (fs T)), L the damping
///   sides    left: signs + - + - ..., right: + + - - ...: two rows of a Hadamard matrix, which have nothing in common
///
/// chorus_sines above 1 makes the combs wander instead (core/network/line_motion.h), as the random halls of later units do.
/// Our design, with delays of our choice (primes at 34125 Hz, the rate of the Lexicon 224): what the unit computed in its
/// halls is not published as a diagram.
class Lexicon224 final : public NetworkModel {
 public:
  explicit Lexicon224(Fields& f) {
    own().add(f, "decay_s", 2.2, between(0.2, 20), "s");
    own().add(f, "damping_hz", 5000.0, between(500, 15000), "Hz");
    own().add(f, "allpass_gain", {0.6, 0.6}, between(-0.8, 0.8));
    own().add(f, "nested_gain", {0.5, 0.4}, between(-0.8, 0.8));
    own().add(f, "wet", 0.35, between(0, 2));
    own().add(f, "predelay_ms", 24.0, between(0, 200), "ms", Knobs::Kind::kFixed);
    own().add(f, "chorus_samples", 12.0, between(0, 40), "samples at 34125 Hz", Knobs::Kind::kFixed);
    own().add(f, "chorus_hz", 0.7, between(0, 5), "Hz", Knobs::Kind::kFixed);
    f.optional("chorus_sines", chorus_sines_, between(1, 16));
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }
  DelayNetwork build(double rate) const override { return drawn(rate).first; }
  std::vector<LineMotion> motion(double rate) const override { return drawn(rate).second; }

 private:
  using Signal = SignalFlow::Signal;
  static constexpr double kRate = 34125;
  std::int64_t chorus_sines_ = 1;
  static constexpr std::array<double, 8> kCombs = {1259, 1409, 1571, 1723, 1889, 2053, 2221, 2399};
  // Two allpasses, the inner and the outer one, of each side.
  static constexpr double kAllpasses[2][4] = {{181, 263, 421, 907}, {193, 251, 443, 877}};

  std::pair<DelayNetwork, std::vector<LineMotion>> drawn(double rate) const {
    SignalFlow flow(2, rate);
    std::vector<LineMotion> motion;
    const double scale = rate / kRate;
    const auto damping = one_pole_sos(one_pole_at(knobs()["damping_hz"].clamp_max(0.45 * rate), rate));
    auto x = 0.5 * (flow.input(0) + flow.input(1));
    if (knobs().number("predelay_ms") > 0 || knobs().is_learned("predelay_ms"))
      x = flow.delay(x, knobs()["predelay_ms"] * (rate / 1000));
    Signal sides[2];
    for (std::size_t i = 0; i < kCombs.size(); ++i) {
      const auto loop = flow.loop();
      const auto line = flow.delay(x + loop, scale * kCombs[i]);
      flow.close(loop, at::pow(10.0, -3 * kCombs[i] / kRate / knobs()["decay_s"]) * flow.filter(line, damping));
      sides[0] = sides[0] + (i % 2 == 0 ? 1.0 : -1.0) * line;
      sides[1] = sides[1] + (i % 4 < 2 ? 1.0 : -1.0) * line;
      // Paces of no common period, begun at different moments.
      const auto depth = knobs()["chorus_samples"] * scale;
      const double hz = knobs().number("chorus_hz") * (1 + 0.0618 * static_cast<double>(i));
      if (chorus_sines_ > 1) {
        for (auto& part : wander(flow.line_of(line), depth, hz, chorus_sines_, 224)) motion.push_back(part);
        continue;
      }
      motion.push_back({.line = flow.line_of(line),
                        .depth_samples = depth,
                        .rate_hz = hz,
                        .phase_turns = 0.382 * static_cast<double>(i),
                        .noise_phase_turns = 0.618 * static_cast<double>(i)});
    }
    std::vector<Signal> outputs;
    for (int side = 0; side < 2; ++side) {
      auto y = sides[side];
      for (int i = 0; i < 2; ++i) y = flow.allpass(y, knobs().at("allpass_gain", i), scale * kAllpasses[side][i]);
      y = flow.allpass(y, knobs().at("nested_gain", 0), [&](const Signal& v) {
        const auto inner = flow.allpass(v, knobs().at("nested_gain", 1), scale * kAllpasses[side][2]);
        return flow.delay(inner, scale * kAllpasses[side][3]);
      });
      outputs.push_back(knobs()["wet"] * y);
    }
    return {flow.network(outputs), motion};
  }
};

}  // namespace

DIFFVERB_PART(models, lexicon224, Lexicon224, "Chorus combs, allpasses and nested allpasses, in the manner of the 224",
              "our design; Lexicon 1978")

}  // namespace diffverb
