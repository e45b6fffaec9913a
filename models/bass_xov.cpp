#include "core/filters/one_pole.h"
#include "core/matrices/haar.h"
#include "models/line_bank.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

/// A hall whose low frequencies decay in a time of their own, as behind Lexicon 480L's BASS MULT and XOV controls: the
/// input is split by Linkwitz-Riley crossovers, each band has a delay network.
///
///   low  = LR_low(x) -> lines with T60 = bass_multiply decay_s
///   high = LR_high(x) -> lines with T60 = decay_s, half of it at rt_hf_cut_hz;   y = L(low + high), L at hf_cutoff_hz
///
/// The machine's own program is not published: controls and their ideal-hall setting (bass multiply at its most, RT HF
/// CUT in the middle, HF CUTOFF low) are its manual's, the networks are ours.
///
/// Source   Lexicon 480L owner's manual; Linkwitz 1976; Jot and Chaigne 1991 for the damping
class BassXov final : public NetworkModel {
 public:
  explicit BassXov(Fields& f) {
    own().add(f, "decay_s", 2.2, between(0.2, 20), "s");
    own().add(f, "crossover_hz", 400, between(80, 2000), "Hz");
    own().add(f, "bass_multiply", 1.5, between(0.2, 4));
    own().add(f, "rt_hf_cut_hz", 5000, between(1000, 12000), "Hz");
    own().add(f, "hf_cutoff_hz", 6000, between(1000, 12000), "Hz");
    own().add(f, "predelay_ms", 20, between(1, 200), "ms", Knobs::Kind::kFixed);
    own().add(f, "low_ms", {43.1, 53.9, 61.7, 73.3, 79.1, 89.3, 97.9, 107.1}, between(5, 300), "ms",
              Knobs::Kind::kFixed);
    own().add(f, "high_ms", {31.3, 36.1, 41.9, 47.3, 53.3, 59.9, 67.3, 71.9}, between(5, 300), "ms",
              Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "decay_s"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(2, rate);
    const auto decay = knobs()["decay_s"], corner = knobs()["crossover_hz"];
    const auto predelay = knobs()["predelay_ms"] * (rate / 1000);
    const SignalFlow::Signal in[2] = {flow.delay(flow.input(0), predelay), flow.delay(flow.input(1), predelay)};
    LineBank low{hadamard_matrix(8), knobs()["low_ms"] * (rate / 1000), decay * knobs()["bass_multiply"], {}, {}};
    LineBank high{hadamard_matrix(8), knobs()["high_ms"] * (rate / 1000), decay, decay / 2, knobs()["rt_hf_cut_hz"]};
    SignalFlow::Signal out[2];
    for (const bool is_high : {false, true}) {
      const auto split = linkwitz_riley_sos(corner, is_high, rate);
      const SignalFlow::Signal band[2] = {flow.filter(in[0], split), flow.filter(in[1], split)};
      std::vector<SignalFlow::Signal> ins;
      for (int j = 0; j < 8; ++j) ins.push_back((j < 4 ? 0.5 : -0.5) * band[j % 2]);
      const auto lines = add_lines(flow, is_high ? high : low, ins);
      for (int j = 0; j < 8; ++j) out[j / 2 % 2] = out[j / 2 % 2] + (j % 2 ? -0.5 : 0.5) * lines[j];
    }
    const auto cutoff = one_pole_sos(one_pole_at(knobs()["hf_cutoff_hz"], rate));
    return flow.network({flow.filter(out[0], cutoff), flow.filter(out[1], cutoff)});
  }
};

}  // namespace

DIFFVERB_PART(models, bass_xov, BassXov, "Two bands behind a crossover, each a delay network with its own decay time",
              "Lexicon 480L owner's manual; Linkwitz 1976")

}  // namespace diffverb
