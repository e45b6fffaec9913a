#include <ATen/ops/tensor.h>

#include <vector>

#include "core/matrices/haar.h"
#include "models/line_bank.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

/// Early reflections before a late network of eight lines with an allpass in each loop, as Freeverb3's Hibiki combines
/// them. The late part has zita-rev1's published delays and diffusion; the reflections are the first images of a
/// shoebox seen by two ears, which is our choice: Freeverb3 ships tables of measured halls.
///
///   late: loop j = allpass(+-diffusion, d_j) and a delay of m_j - d_j, mixed by a Hadamard matrix
///
/// Source   Freeverb3 (Hibiki); zita-rev1 (reverb.cc: _tdiff1, _tdelay), Adriaensen 2012
class Hibiki final : public NetworkModel {
 public:
  explicit Hibiki(Fields& f) {
    own().add(f, "decay_s", 2.0, between(0.2, 20), "s");
    own().add(f, "bright_share", 0.5, between(0.05, 1));
    own().add(f, "bright_hz", 6000, between(1500, 12000), "Hz");
    own().add(f, "diffusion", 0.6, between(-0.9, 0.9));
    own().add(f, "predelay_ms", 20, between(1, 200), "ms", Knobs::Kind::kFixed);
    own().add(f, "early_gain", {0.31, 0.27, 0.24, 0.21, 0.18, 0.16, 0.13, 0.11}, between(-1, 1));
    own().add(f, "early_left_ms", {9.7, 13.1, 17.9, 22.3, 28.7, 35.3, 43.9, 52.1}, between(1, 200), "ms",
              Knobs::Kind::kFixed);
    own().add(f, "early_right_ms", {10.9, 12.1, 18.7, 21.1, 30.1, 33.7, 45.7, 50.3}, between(1, 200), "ms",
              Knobs::Kind::kFixed);
    own().add(f, "late_gain", 1.2, between(0, 2));
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }

  DelayNetwork build(double rate) const override {
    const std::vector<double> kAllpassS = {20346e-6, 24421e-6, 31604e-6, 27333e-6,
                                           22904e-6, 29291e-6, 13458e-6, 19123e-6};
    const std::vector<double> kLoopS = {153129e-6, 210389e-6, 127837e-6, 256891e-6,
                                        174713e-6, 192303e-6, 125000e-6, 219991e-6};
    SignalFlow flow(2, rate);
    SignalFlow::Signal out[2];
    const auto gains = knobs()["early_gain"];
    for (int side = 0; side < 2; ++side) {
      const auto ms = knobs()[side == 0 ? "early_left_ms" : "early_right_ms"];
      for (std::int64_t k = 0; k < ms.size(0); ++k)
        out[side] = out[side] + gains[k] * flow.delay(flow.input(side), ms[k] * (rate / 1000));
    }
    const auto predelay = knobs()["predelay_ms"] * (rate / 1000);
    const SignalFlow::Signal in[2] = {flow.delay(flow.input(0), predelay), flow.delay(flow.input(1), predelay)};
    const auto decay = knobs()["decay_s"];
    const auto signs = at::tensor({1.0, -1.0}, at::kDouble).repeat({4});
    std::vector<SignalFlow::Signal> ins;
    for (int j = 0; j < 8; ++j) ins.push_back(0.35 * in[j % 2]);
    const auto lines =
        add_lines(flow,
                  {hadamard_matrix(8), at::tensor(kLoopS, at::kDouble) * rate, decay, decay * knobs()["bright_share"],
                   knobs()["bright_hz"], at::tensor(kAllpassS, at::kDouble) * rate, signs * knobs()["diffusion"]},
                  ins);
    for (int j = 0; j < 8; ++j)
      out[j / 2 % 2] = out[j / 2 % 2] + (j % 2 ? -1.0 : 1.0) * knobs()["late_gain"] * lines[j];
    return flow.network({out[0], out[1]});
  }
};

}  // namespace

DIFFVERB_PART(models, hibiki, Hibiki, "Early reflections, then eight lines with an allpass in each loop",
              "Freeverb3 (Hibiki); zita-rev1, Adriaensen 2012")

}  // namespace diffverb
