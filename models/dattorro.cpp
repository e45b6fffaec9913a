#include <utility>
#include <vector>

#include "core/filters/one_pole.h"
#include "models/network_model.h"
#include "models/plate_tank.h"

namespace diffverb {
namespace {

/// Dattorro's plate (after Griesinger): predelay, bandwidth, four input diffusers, and a tank of two halves that feed each
/// other, heard at fourteen taps. Delays, taps, gains and signs are those of tables 1 and 2 and figure 1, at 29761 Hz;
/// at another rate they are scaled, and poles keep their time constants.
///
///   one half: x + decay y_other -> allpass (modulated) -> delay -> damping -> decay -> allpass -> delay -> y
///
/// What the paper leaves open: both excursions are sines, a quarter of a turn apart. Its interpolator of the modulated
/// delays is an allpass; ours is the cubic of varying_time_response.
/// Source   Dattorro 1997, "Effect Design, Part 1: Reverberator and Other Filters", JAES 45(9)
class Dattorro final : public NetworkModel {
 public:
  explicit Dattorro(Fields& f) {
    own().add(f, "decay", 0.5, between(0.01, 0.97));
    own().add(f, "decay_diffusion_1", 0.7, between(0, 0.9));
    own().add(f, "decay_diffusion_2", 0.5, between(0, 0.9));
    own().add(f, "input_diffusion_1", 0.75, between(0, 0.9));
    own().add(f, "input_diffusion_2", 0.625, between(0, 0.9));
    own().add(f, "bandwidth", 0.9995, between(0.05, 1));
    own().add(f, "damping", 0.0005, between(0, 0.95));
    own().add(f, "wet", 0.6, between(0, 2));
    own().add(f, "predelay_ms", 0.0, between(0, 200), "ms", Knobs::Kind::kFixed);
    own().add(f, "excursion_samples", 8.0, between(0, 16), "samples at 29761 Hz", Knobs::Kind::kFixed);
    own().add(f, "modulation_hz", 1.0, between(0, 10), "Hz", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "decay"; }
  DelayNetwork build(double rate) const override { return drawn(rate).first; }

  std::vector<LineMotion> motion(double rate) const override {
    const auto [network, moving] = drawn(rate);
    const auto depth = knobs()["excursion_samples"] * (rate / kPlateRateHz);
    const double hz = knobs().number("modulation_hz");
    return {{.line = moving.moving_left, .depth_samples = depth, .rate_hz = hz},
            {.line = moving.moving_right, .depth_samples = depth, .rate_hz = hz, .phase_turns = 0.25}};
  }

 private:
  std::pair<DelayNetwork, PlateOutputs> drawn(double rate) const {
    SignalFlow flow(2, rate);
    auto x = 0.5 * (flow.input(0) + flow.input(1));
    if (knobs().number("predelay_ms") > 0 || knobs().is_learned("predelay_ms"))
      x = flow.delay(x, knobs()["predelay_ms"] * (rate / 1000));
    x = flow.filter(x, one_pole_sos(pole_at_rate(1 - knobs()["bandwidth"], kPlateRateHz, rate)));
    x = plate_diffuser(flow, x, knobs()["input_diffusion_1"], knobs()["input_diffusion_2"]);
    const PlateOutputs out =
        plate_tank(flow, x,
                   {.decay = knobs()["decay"],
                    .first_diffusion = knobs()["decay_diffusion_1"],
                    .second_diffusion = knobs()["decay_diffusion_2"],
                    .damping = one_pole_sos(pole_at_rate(knobs()["damping"], kPlateRateHz, rate))});
    return {flow.network({knobs()["wet"] * out.left, knobs()["wet"] * out.right}), out};
  }
};

}  // namespace

DIFFVERB_PART(models, dattorro, Dattorro, "Plate with input diffusers, a cross-fed tank and fourteen taps",
              "Dattorro 1997")

}  // namespace diffverb
