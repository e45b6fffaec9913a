#include <ATen/ops/pow.h>

#include <utility>
#include <vector>

#include "models/freeverb3_filters.h"
#include "models/network_model.h"
#include "models/plate_tank.h"

namespace diffverb {
namespace {

using freeverb3::dc_cut, freeverb3::low_pass;

/// STRev, Freeverb3's "Simple Tank Reverb": the plate that Dattorro published and Griesinger designed, with filters in Hz
/// at its input, in its loop and at its outputs, and a decay time instead of a decay.
///
///   decay = 10^(-3 * 3888 / (29761 T)), 3888 samples being the mean of the four delays; T is no more than near the decay
///   time (ask for t60_s). diffusion of the tank's second allpasses 0.7, of the modulated ones decay + 0.15 within
///   0.25 .. 0.5: the other way round than in Dattorro's figure.
///
/// Exact, at rest and at 29761 Hz: all delays, gains, signs and filters; its taps lie one sample before Dattorro's. Not
/// played: the noise on the modulated allpasses' gains, pink noise and low-pass of its two oscillators; at other rates
/// Freeverb3 truncates what we round.
/// Source   Freeverb3 as of March 2018, freeverb/strev.cpp, defaults of its constructor (Kamogashira 2006-2018)
class Strev final : public NetworkModel {
 public:
  explicit Strev(Fields& f) {
    own().add(f, "rt60_s", 1.0, between(0.05, 20), "s");
    own().add(f, "input_diffusion_1", 0.75, between(0, 0.9));
    own().add(f, "input_diffusion_2", 0.625, between(0, 0.9));
    own().add(f, "loop_diffusion", 0.7, between(0, 0.9));
    own().add(f, "dc_cut_hz", 10.0, between(1, 200), "Hz");
    own().add(f, "input_low_pass_hz", 10000.0, between(200, 14000), "Hz");
    own().add(f, "damping_hz", 4000.0, between(200, 14000), "Hz");
    own().add(f, "output_low_pass_hz", 10000.0, between(200, 14000), "Hz");
    own().add(f, "wander", 0.1, between(0, 1), "", Knobs::Kind::kFixed);
    own().add(f, "spin_hz", 1.0, between(0, 10), "Hz", Knobs::Kind::kFixed);
    own().add(f, "spin_difference_hz", 0.1, between(0, 10), "Hz", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "rt60_s"; }
  DelayNetwork build(double rate) const override { return drawn(rate).first; }

  /// 32 samples, times what it calls wander.
  std::vector<LineMotion> motion(double rate) const override {
    const auto [network, moving] = drawn(rate);
    const auto depth = knobs()["wander"] * (32 * rate / kPlateRateHz);
    const double hz = knobs().number("spin_hz"), other = knobs().number("spin_difference_hz");
    return {{.line = moving.moving_left, .depth_samples = depth, .rate_hz = hz},
            {.line = moving.moving_right, .depth_samples = depth, .rate_hz = hz + other}};
  }

 private:
  std::pair<DelayNetwork, PlateOutputs> drawn(double rate) const {
    SignalFlow flow(2, rate);
    const auto& k = knobs();
    const auto decay = at::pow(10.0, -3 * 3888 / kPlateRateHz / k["rt60_s"]);
    auto x = flow.filter(0.5 * (flow.input(0) + flow.input(1)), dc_cut(k["dc_cut_hz"], rate));
    x = flow.filter(x, low_pass(k["input_low_pass_hz"], rate));
    x = plate_diffuser(flow, x, k["input_diffusion_1"], k["input_diffusion_2"]);
    const PlateOutputs out = plate_tank(flow, x,
                                        {.decay = decay,
                                         .first_diffusion = (decay + 0.15).clamp(0.25, 0.5),
                                         .second_diffusion = k["loop_diffusion"],
                                         .damping = low_pass(k["damping_hz"], rate),
                                         .taps_earlier = 1});
    const auto tone = low_pass(k["output_low_pass_hz"], rate);
    return {flow.network({flow.filter(out.left, tone), flow.filter(out.right, tone)}), out};
  }
};

}  // namespace

DIFFVERB_PART(models, strev, Strev, "Freeverb3's tank: Dattorro's plate with filters in Hz and a decay time",
              "Kamogashira; Griesinger; Dattorro 1997")

}  // namespace diffverb
