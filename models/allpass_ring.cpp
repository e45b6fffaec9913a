#include "core/filters/one_pole.h"
#include "models/network_model.h"
#include "models/ring.h"

namespace diffverb {
namespace {

/// A ring of allpasses with a low-pass in its feedback and an output tap after each stage: what Gardner's rooms are made
/// of, for rooms of one's own. All lists have a number for each stage; 0 ms stands for nothing there.
///
///   stage    delay, allpass that holds up to two more, y += tap * what leaves it
///   ring     in + feedback L(z) (what leaves the last stage)
///
/// Ours: the default numbers, chosen by Gardner's rules (no delay that divides another, gains from 0.3 to 0.6, taps
/// between allpasses only: one inside would make a comb of it).
///
/// Source   the structure: Gardner 1992, "A realtime multichannel room simulator"
class AllpassRing final : public NetworkModel {
 public:
  explicit AllpassRing(Fields& f) {
    std::vector<double> outer{37, 61.3, 43.7, 89};
    const Range range = between(0, 1000);
    f.optional("allpass_ms", outer, range, "ms");
    if (outer.empty() || outer.size() > 32) f.fail("allpass_ms", "1 to 32 stages expected");
    const std::size_t stages = outer.size();
    add(f, "delay_ms", {11, 19, 7.3, 29}, stages, range, "ms", Knobs::Kind::kFixed);
    own().add(f, "allpass_ms", outer, range, "ms", Knobs::Kind::kFixed);
    add(f, "allpass_gain", {0.3, 0.5, 0.4, 0.5}, stages, between(-0.9, 0.9));
    add(f, "inner_ms", {23.1, 0, 17.9, 53}, stages, range, "ms", Knobs::Kind::kFixed);
    add(f, "inner_gain", {0.4, 0, 0.6, 0.3}, stages, between(-0.9, 0.9));
    add(f, "second_inner_ms", {7.9, 0, 0, 0}, stages, range, "ms", Knobs::Kind::kFixed);
    add(f, "second_inner_gain", {0.6, 0, 0, 0}, stages, between(-0.9, 0.9));
    add(f, "tap", {0.5, 0.4, 0.4, 0.3}, stages, between(-1, 1));
    own().add(f, "feedback", 0.5, between(0, 0.98));
    own().add(f, "lowpass_hz", 4000, between(200, 20000), "Hz");
    nesting_ = read_nesting(f);
    for (const char* key : {"delay_ms", "allpass_ms", "inner_ms", "second_inner_ms"}) lengths_.push_back(knobs()[key]);
    check(f);
    finish(f);
  }
  std::string decay_knob() const override { return "feedback"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(1, rate);
    const auto samples = [&](const char* key, std::int64_t i) {
      const auto ms = knobs().at(key, i);
      return ms.item<double>() > 0 ? ms / 1000 * rate : at::Tensor();
    };
    std::vector<RingStage> stages(static_cast<std::size_t>(lengths_[1].size(0)));
    for (std::size_t s = 0; s < stages.size(); ++s) {
      const auto i = static_cast<std::int64_t>(s);
      RingStage& stage = stages[s];
      stage.delay_samples = samples("delay_ms", i);
      stage.tap = knobs().at("tap", i);
      stage.allpass = {samples("allpass_ms", i), knobs().at("allpass_gain", i), {}};
      for (const std::string inner : {"inner", "second_inner"}) {
        const auto length = samples((inner + "_ms").c_str(), i);
        if (length.defined()) stage.allpass.inner.push_back({length, knobs().at(inner + "_gain", i)});
      }
    }
    const auto lowpass = one_pole_sos(one_pole_at(knobs()["lowpass_hz"], rate));
    return flow.network({allpass_ring(flow, flow.input(0), stages, knobs()["feedback"], lowpass, nesting_)});
  }

 private:
  void add(Fields& f, const std::string& key, std::vector<double> values, std::size_t stages, const Range& range,
           const std::string& unit = "", Knobs::Kind kind = Knobs::Kind::kLearned) {
    values.resize(stages, key == "tap" ? 0.4 : 0.0);
    own().add(f, key, values, range, unit, kind);
  }

  void check(const Fields& f) const {
    double all = 0;
    for (std::int64_t i = 0; i < lengths_[1].size(0); ++i) {
      const auto ms = [&](std::size_t key) { return lengths_[key][i].item<double>(); };
      const double inside = ms(2) + ms(3);
      if (nesting_ == Nesting::kContains && inside > ms(1))
        f.fail("inner_ms", "stage " + std::to_string(i) +
                               ": the inner delays are longer than the allpass that contains " +
                               "them (nesting: contains)");
      if (inside > 0 && ms(1) == 0)
        f.fail("inner_ms", "stage " + std::to_string(i) + " has no allpass (allpass_ms is 0)");
      all += ms(0) + ms(1);
    }
    if (!(all > 0)) f.fail("delay_ms", "a ring without any delay; expected at least one");
  }

  Nesting nesting_ = Nesting::kContains;
  std::vector<at::Tensor> lengths_;
};

}  // namespace

DIFFVERB_PART(models, allpass_ring, AllpassRing, "Allpasses in a ring with a low-pass, with output taps between them",
              "Gardner 1992, the structure")

}  // namespace diffverb
