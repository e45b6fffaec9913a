#include <numeric>

#include "models/network_model.h"
#include "models/ring.h"

namespace diffverb {
namespace {

/// A single or double nested allpass: an allpass whose delay line holds one or two allpasses, in series where there are
/// two. Every echo that leaves the inner ones goes round again, so that echoes become denser with time; |H| = 1.
///
///   H = (D - g) / (1 - g D),   D = z^-(m - m_1 - m_2) A_1 A_2,   A_i = (z^-m_i - g_i) / (1 - g_i z^-m_i)
///
/// With nesting: series, D = z^-m A_1 A_2 (models/ring.h). As published but for the numbers, which are those of the first
/// double nested allpass of Gardner's small room.
///
/// Source   Vercoe and Puckette 1985, "Synthetic spaces" (not published), after Gardner 1992; drawn in Mikelson, "A
///          Csound multi-effects processor", figures 24.2 and 24.4
class NestedAllpassModel final : public NetworkModel {
 public:
  explicit NestedAllpassModel(Fields& f) {
    own().add(f, "outer_ms", 35, between(0.1, 2000), "ms", Knobs::Kind::kFixed);
    own().add(f, "gain", 0.3, between(0, 0.95));
    std::vector<double> inner_ms{22, 8.3}, inner_gain{0.4, 0.6};
    const Range inner_range = between(0.1, 1000);
    f.optional("inner_ms", inner_ms, inner_range, "ms");
    if (inner_ms.empty() || inner_ms.size() > 2)
      f.fail("inner_ms", "one number (single nested) or two (double) expected");
    inner_gain.resize(inner_ms.size());
    own().add(f, "inner_ms", inner_ms, inner_range, "ms", Knobs::Kind::kFixed);
    own().add(f, "inner_gain", inner_gain, between(-0.95, 0.95));
    nesting_ = read_nesting(f);
    finish(f);
    const double inside = std::accumulate(inner_ms.begin(), inner_ms.end(), 0.0);
    if (nesting_ == Nesting::kContains && inside > knobs().number("outer_ms"))
      f.fail("inner_ms", "the inner delays are longer than the outer one, which contains them (nesting: contains)");
  }
  std::string decay_knob() const override { return "gain"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(1, rate);
    NestedAllpass allpass{knobs()["outer_ms"] / 1000 * rate, knobs()["gain"], {}};
    const auto samples = knobs()["inner_ms"] / 1000 * rate;
    for (std::int64_t i = 0; i < samples.size(0); ++i)
      allpass.inner.push_back({samples[i], knobs().at("inner_gain", i)});
    return flow.network({nested_allpass(flow, flow.input(0), allpass, nesting_)});
  }

 private:
  Nesting nesting_ = Nesting::kContains;
};

}  // namespace

DIFFVERB_PART(models, nested_allpass, NestedAllpassModel, "An allpass with one or two allpasses on its delay line",
              "Vercoe and Puckette 1985; Gardner 1992")

}  // namespace diffverb
