#include <cmath>

#include "core/error.h"
#include "models/octave_equaliser.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

/// An impulse response that changes while it plays.
///
///   y(n) = sum_k x(k) h(n, k),   h(n, k) = sum_r b_r(n) a_r(k) h_r(n - k)
///
/// a_r is how loud a sound enters response r, b_r how loud the response is heard: each a mean and `sines` sines. With a
/// alone an echo keeps the gain of the moment in which its sound was made, with b it has that of the moment in which it
/// is heard.
///
/// Reads    responses: sound files, the h_r to begin with; learn_responses: their samples are learned too. Lists of the
///          trajectories hold the sines of the first response, then those of the next
/// Gradient to means, depths, rates and phases of both, level_db, eq_db, and the responses where they are learned
/// Throws   DataError where a file is no response, or where they differ in channels
class TimeVaryingIr final : public MovingResponseModel {
 public:
  explicit TimeVaryingIr(Fields& f) : files_(f) {
    f.optional("learn_responses", learn_responses_);
    f.optional("sines", sines_, between(1, 16));
    const std::size_t count = files_.count(), all = count * static_cast<std::size_t>(sines_);
    for (const std::string side : {"before", "after"}) {
      std::vector<double> rates, phases;
      for (std::size_t k = 0; k < all; ++k) {
        rates.push_back(std::min(100.0, (side == "before" ? 0.3 : 0.2) * (1 + static_cast<double>(k))));
        phases.push_back(static_cast<double>(k) / static_cast<double>(all));
      }
      const double mean = side == "before" ? 1 / std::sqrt(static_cast<double>(count)) : 1;
      own().add(f, side + "_mean", std::vector<double>(count, mean), between(-4, 4));
      own().add(f, side + "_depth", std::vector<double>(all, 0.3), between(-4, 4));
      own().add(f, side + "_rate_hz", rates, between(0, 100), "Hz");
      own().add(f, side + "_phase_turns", phases, between(-1, 2), "turns");
    }
    add_octave_equaliser(own(), f);
    own().choose(f);
    if (f.is_recording()) return;
    const auto loaded = files_.read();
    rate_hz_ = loaded.rate_hz;
    taps_ = loaded.taps.contiguous().set_requires_grad(learn_responses_);
  }

  double sample_rate_hz() const override { return rate_hz_; }

  std::map<std::string, at::Tensor> parameters() const override {
    auto all = MovingResponseModel::parameters();
    if (learn_responses_) all["responses"] = taps_;
    return all;
  }

  Parts parts() const override {
    Parts parts;
    parts.taps = equalised(taps_, knobs(), rate_hz_);
    parts.before = gains("before");
    parts.after = gains("after");
    return parts;
  }

 private:
  GainsOverTime gains(const std::string& side) const {
    const auto table = [&](const char* key) { return knobs()[side + key].reshape({-1, sines_}); };
    return {knobs()[side + "_mean"], table("_depth"), table("_rate_hz"), table("_phase_turns")};
  }

  ResponseFiles files_;
  bool learn_responses_ = false;
  std::int64_t sines_ = 1;
  at::Tensor taps_;  // [R, O, I, L]
  double rate_hz_ = 48000;
};

}  // namespace

DIFFVERB_PART(models, time_varying_ir, TimeVaryingIr,
              "An impulse response that changes while it plays: responses with moving gains before and behind them",
              "Zadeh 1950, Frequency analysis of variable networks")

}  // namespace diffverb
