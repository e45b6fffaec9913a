#include "core/error.h"
#include "core/filters/one_pole.h"
#include "models/network_model.h"
#include "models/ring.h"

namespace diffverb {
namespace {

struct Row {
  double delay_ms = 0;
  bool second_input = false;       // the loop's gain, then the second input
  std::vector<double> allpass_ms;  // outer, inner, inner
  std::vector<double> allpass_gain;
  double tap = 0;
};

struct Room {
  const char* name;
  double lowpass_hz;
  std::vector<Row> rows;
};

const Room& room_named(const std::string& name) {
  static const std::vector<Room> rooms = {
      {"small", 4200, {{24, false, {35, 22, 8.3}, {0.3, 0.4, 0.6}, 0.5}, {0, false, {66, 30}, {0.1, 0.4}, 0.5}}},
      {"medium",
       2500,
       {{0, false, {35, 8.3, 22}, {0.3, 0.7, 0.5}, 0.5},
        {5, false, {30}, {0.5}, 0},
        {67, false, {}, {}, 0.5},
        {15, true, {39, 9.8}, {0.3, 0.6}, 0.5},
        {108, false, {}, {}, 0}}},
      {"large",
       2600,
       {{0, false, {8}, {0.3}, 0},
        {0, false, {12}, {0.3}, 0},
        {4, false, {}, {}, 0.34},
        {17, false, {87, 62}, {0.5, 0.25}, 0},
        {31, false, {}, {}, 0.14},
        {3, false, {120, 76, 30}, {0.5, 0.25, 0.25}, 0.14}}}};
  for (const Room& room : rooms) {
    if (name == room.name) return room;
  }
  throw ContractError("there is no room " + name);
}

/// Gardner's small, medium and large room: rings of plain, nested and double nested allpasses and delays with a low-pass of
/// first order and a gain in the feedback. The gain sets the decay time; the medium room has it in the middle of the ring
/// too, before its second input. Delays, gains, taps and low-passes as published (milliseconds; gains in brackets):
///
///   small   24, 35 (0.3) with 22 (0.4) and 8.3 (0.6), tap 0.5, 66 (0.1) with 30 (0.4), tap 0.5; 4.2 kHz
///   medium  35 (0.3) with 8.3 (0.7) and 22 (0.5), tap 0.5, 5, 30 (0.5), 67, tap 0.5, 15, gain, input 2, 39 (0.3) with
///           9.8 (0.6), tap 0.5, 108; 2.5 kHz
///   large   8 (0.3), 12 (0.3), 4, tap 0.34, 17, 87 (0.5) with 62 (0.25), 31, tap 0.14, 3, 120 (0.5) with 76 (0.25) and 30
///           (0.25), tap 0.14; 2.6 kHz
///
/// room: auto takes the small one below 0.58 s, the medium one below 1.3 s, else the large one, by t60_s (medium without).
/// t60_s moves the gain by the decay time that is measured, since allpasses, taps and low-pass have a share in it. Without
/// feedback the allpasses alone decay in 0.40, 0.48 and 1.6 s; a room that is asked for less becomes smaller (`size`, a
/// factor of all delays), which concerns 0.38 to 0.40 s of the small room's range and 1.3 to 1.6 s of the large one's.
///
/// nesting: contains. An outer delay is the whole line, its inner allpasses stand on parts of it. In all rooms the inner
/// delays add up to less than the outer one (22 + 8.3 < 35, 30 < 66, 9.8 < 39, 62 < 87, 76 + 30 < 120). So it is read by
/// Mikelson (Csound: "the outer delay time is equal to the sum" of both; 4.7 ms for 35 - 22 - 8.3, 29.2 for 39 - 9.8; only
/// his large room's 120 ms are not reduced), by Freeverb3 (dl_gardner.cpp) and after Pirkle (one delay line with parts that
/// overlap). And the decay times agree: in series the allpasses alone would last 0.51, 0.56 and 2.6 s, too long for most
/// of the small room's range and for half of what the large one is for. nesting: series is that other reading.
///
/// Not known: the gain for a decay time (Gardner: "purely empirical"), and the low-pass's coefficients; ours is 3 dB down
/// at the frequency given.
///
/// Source   Gardner 1992, "A realtime multichannel room simulator", JASA 92(4), 2395; Mikelson, "A Csound multi-effects
///          processor"
class Gardner final : public NetworkModel {
 public:
  explicit Gardner(Fields& f) {
    std::string name = "auto";
    f.choice("room", name, {"auto", "small", "medium", "large"});
    std::optional<double> t60_s;
    f.optional("t60_s", t60_s, between(0.05, 60), "s");  // finish() reads it again
    if (name == "auto") name = t60_s && *t60_s < 0.58 ? "small" : !t60_s || *t60_s < 1.3 ? "medium" : "large";
    room_ = room_named(name);
    std::vector<double> delay_ms, allpass_ms, allpass_gain, tap;
    for (const Row& row : room_.rows) {
      if (row.delay_ms > 0) delay_ms.push_back(row.delay_ms);
      allpass_ms.insert(allpass_ms.end(), row.allpass_ms.begin(), row.allpass_ms.end());
      allpass_gain.insert(allpass_gain.end(), row.allpass_gain.begin(), row.allpass_gain.end());
      if (row.tap > 0) tap.push_back(row.tap);
    }
    own().add(f, "gain", 0.4, between(0, 0.97));
    own().add(f, "size", 1.0, between(0.25, 4), "", Knobs::Kind::kFixed);
    own().add(f, "delay_ms", delay_ms, between(0.5, 500), "ms", Knobs::Kind::kFixed);
    own().add(f, "allpass_ms", allpass_ms, between(0.5, 500), "ms", Knobs::Kind::kFixed);
    own().add(f, "allpass_gain", allpass_gain, between(0, 0.9));
    own().add(f, "tap", tap, between(-1, 1));
    own().add(f, "lowpass_hz", room_.lowpass_hz, between(200, 20000), "Hz");
    nesting_ = read_nesting(f);
    check(f);
    finish(f);
  }
  std::string decay_knob() const override { return "gain"; }

  void prepare_for(double t60_s) override {
    own().set("gain", 0);
    const double shortest_s = decay_time_of(network(sample_rate_hz()), 2);
    if (shortest_s > kLeast * t60_s) own().set("size", knobs().number("size") * kLeast * t60_s / shortest_s);
  }

  DelayNetwork build(double rate) const override {
    bool two = false;
    for (const Row& row : room_.rows) two = two || row.second_input;
    SignalFlow flow(two ? 2 : 1, rate);
    const auto per_ms = knobs()["size"] / 1000 * rate;
    const auto delay = knobs()["delay_ms"] * per_ms, length = knobs()["allpass_ms"] * per_ms;
    const auto g = knobs()["allpass_gain"], tap = knobs()["tap"], gain = knobs()["gain"];
    std::vector<RingStage> stages;
    std::int64_t delays = 0, allpasses = 0, taps = 0;
    for (const Row& row : room_.rows) {
      RingStage stage;
      if (row.delay_ms > 0) stage.delay_samples = delay[delays++];
      if (row.second_input) {
        stage.gain = gain;
        stage.in = flow.input(1);
      }
      for (std::size_t k = 0; k < row.allpass_ms.size(); ++k, ++allpasses) {
        if (k == 0) {
          stage.allpass = {length[allpasses], g[allpasses], {}};
        } else {
          stage.allpass.inner.push_back({length[allpasses], g[allpasses]});
        }
      }
      if (row.tap > 0) stage.tap = tap[taps++];
      stages.push_back(stage);
    }
    const auto lowpass = one_pole_sos(one_pole_at(knobs()["lowpass_hz"], rate));
    return flow.network({allpass_ring(flow, flow.input(0), stages, gain, lowpass, nesting_)});
  }

 private:
  void check(const Fields& f) const {
    if (nesting_ == Nesting::kSeries) return;
    const auto ms = knobs()["allpass_ms"];
    std::int64_t at = 0;
    for (const Row& row : room_.rows) {
      const auto count = static_cast<std::int64_t>(row.allpass_ms.size());
      if (count > 1 && ms.narrow(0, at + 1, count - 1).sum().item<double>() > ms[at].item<double>())
        f.fail("allpass_ms", "number " + std::to_string(at) + " (counted from 0) contains the next " +
                                 std::to_string(count - 1) + " (nesting: contains), which are longer together");
      at += count;
    }
  }

  /// How much of a decay time the allpasses alone may take, so that some is left to the ring.
  static constexpr double kLeast = 0.97;

  Room room_;
  Nesting nesting_ = Nesting::kContains;
};

}  // namespace

DIFFVERB_PART(models, gardner, Gardner, "Gardner's small, medium and large room, chosen by decay time", "Gardner 1992")

}  // namespace diffverb
