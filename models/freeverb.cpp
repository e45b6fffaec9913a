#include <ATen/ops/full_like.h>

#include "core/filters/one_pole.h"
#include "models/combs.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

/// Jezar's Freeverb: the sum of both inputs through eight combs side by side and four "allpasses" in series for each
/// side, the right side's delays 23 samples longer.
///
///   comb     y = z^-m (x + f L(z) y),   f = 0.7 + 0.28 room_size,   L the low-pass with the pole 0.4 damping
///   allpass  v = x + 0.5 z^-m v,  y = z^-m v - x: the published shortcut, which is no allpass: |H| goes from 1 to 5/3
///   left     wet1 left + wet2 right,   wet1 = 3 wet (width / 2 + 1/2),  wet2 = 3 wet (1 - width) / 2
///
/// The published code has fixed delays at 44.1 kHz; at other rates the same times are played, and the low-pass keeps its
/// time constant. The dry path is left out (as initially published: 0); what renders mixes.
///
/// Source   Jezar at Dreampoint 2000, Freeverb: tuning.h, comb.h, allpass.h, revmodel.cpp
class Freeverb final : public NetworkModel {
 public:
  explicit Freeverb(Fields& f) {
    own().add(f, "room_size", 0.5, between(0, 1));
    own().add(f, "damping", 0.5, between(0, 1));
    own().add(f, "width", 1.0, between(0, 1));
    own().add(f, "wet", 1.0 / 3, between(0, 1));
    own().add(f, "input_gain", 0.015, between(0, 1), "", Knobs::Kind::kFixed);
    own().add(f, "allpass_gain", 0.5, between(-0.9, 0.9));
    own().add(f, "comb_samples", {1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617}, between(20, 20000), "1/44100 s",
              Knobs::Kind::kFixed);
    own().add(f, "allpass_samples", {556, 441, 341, 225}, between(20, 20000), "1/44100 s", Knobs::Kind::kFixed);
    own().add(f, "spread_samples", 23, between(0, 500), "1/44100 s", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "room_size"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(2, rate);
    const auto scale = rate / kPublishedRate_hz;
    const auto pole = pole_at_rate(0.4 * knobs()["damping"], kPublishedRate_hz, rate);
    const auto in = flow.filter(knobs()["input_gain"] * (flow.input(0) + flow.input(1)), undamped_sos(pole));
    const auto comb = knobs()["comb_samples"], allpass = knobs()["allpass_samples"];
    const auto feedback = (0.7 + 0.28 * knobs()["room_size"]) * at::full_like(comb, 1.0);
    SignalFlow::Signal sides[2];
    for (int side = 0; side < 2; ++side) {
      const auto spread = side * knobs()["spread_samples"];
      auto sum = damped_combs(flow, in, (comb + spread) * scale, feedback, pole);
      for (std::int64_t i = 0; i < allpass.size(0); ++i) {
        const auto v = flow.loop();
        const auto line = flow.delay(v, (allpass[i] + spread) * scale);
        flow.close(v, sum + knobs()["allpass_gain"] * line);
        sum = line - sum;
      }
      sides[side] = sum;
    }
    const auto wet = 3 * knobs()["wet"], width = knobs()["width"];
    const auto near = wet * (width / 2 + 0.5), far = wet * (1 - width) / 2;
    return flow.network({near * sides[0] + far * sides[1], near * sides[1] + far * sides[0]});
  }

 private:
  static constexpr double kPublishedRate_hz = 44100;
};

}  // namespace

DIFFVERB_PART(models, freeverb, Freeverb, "Eight damped combs and four allpasses a side, stereo", "Jezar 2000")

}  // namespace diffverb
