
#include <algorithm>
#include <cmath>
#include <memory>

#include "core/audio_tensor.h"
#include "core/resample.h"
#include "models/decay_change.h"
#include "models/octave_equaliser.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

constexpr double kT60Tolerance = 0.01;
constexpr int kRounds = 6;

/// A measured response as a reverberator, its tone and its decay changed octave by octave.
///
///   h' = equaliser * change(h),   decay time of octave k: stretch * decay_change_k times the measured one
///
/// models/decay_change.h says how; with nothing changed h' is the file, sample by sample. `t60_s` asks for a decay time at
/// 500 Hz and 1 kHz and moves `stretch` for it.
///
/// Reads    response: a sound file, beside the config or from the working directory; layout, order, onset, length_s as
///          models/response_model.h has them; noise: keep or remove what was measured below the decay
/// Gradient to level_db, eq_db, decay_change, stretch
/// Throws   DataError where the file is no response, or where its decay is to be changed and it has none
class Convolution final : public FittableResponse {
 public:
  explicit Convolution(Fields& f) : layout_(f) {
    std::string file, noise = "keep";
    std::optional<double> t60_s, rate_hz;
    f.file("response", file);
    f.optional("sample_rate_hz", rate_hz, between(8000, 384000), "Hz");
    f.choice("noise", noise, {"keep", "remove"});
    f.optional("noise_seed", options_.seed);
    f.optional("t60_s", t60_s, between(0.05, 60), "s");
    own().add(f, "stretch", 1.0, between(0.1, 10), "", Knobs::Kind::kFixed);
    own().add(f, "decay_change", std::vector<double>(DecayChange::band_hz().size(), 1.0), between(0.25, 4));
    add_octave_equaliser(own(), f);
    own().choose(f);
    if (f.is_recording()) return;
    options_.keep_noise = noise == "keep";
    const auto loaded = layout_.read(file, rate_hz.value_or(0));
    taps_ = loaded.taps;
    options_.rate_hz = loaded.rate_hz;
    if (changes()) make_change();
    if (t60_s) set_t60(*t60_s, f);
  }

  double sample_rate_hz() const override { return options_.rate_hz; }

  void start_from(double sample_rate_hz, const std::vector<double>& t60_s) override {
    const at::NoGradGuard no_grad;
    const std::int64_t outputs = taps_.size(0), inputs = taps_.size(1);
    auto rows = taps_.reshape({outputs * inputs, -1});
    if (sample_rate_hz != options_.rate_hz)
      rows = channels_of(resample(audio_of(rows, options_.rate_hz), sample_rate_hz));
    taps_ = from_onset(rows).reshape({outputs, inputs, -1}).contiguous();
    options_.rate_hz = sample_rate_hz;
    change_ = std::make_unique<DecayChange>(taps_.reshape({outputs * inputs, -1}), options_);
    auto change = knobs()["decay_change"].clone();
    for (std::size_t k = 0; k < t60_s.size(); ++k) {
      const double own = change_->t60_s()[k];
      if (own > 0 && t60_s[k] > 0) change[static_cast<std::int64_t>(k)] = t60_s[k] / own / knobs().number("stretch");
    }
    own().set("decay_change", {change.const_data_ptr<double>(), change.const_data_ptr<double>() + change.numel()});
    make_change();
  }

  at::Tensor responses() const override {
    auto changed = taps_;
    // Where a gradient is wanted, at nothing changed too.
    const bool learned = knobs().is_learned("decay_change") || knobs().is_learned("stretch");
    if (!change_ && (changes() || (learned && at::GradMode::is_enabled()))) make_change();
    if (change_) changed = change_->apply(ratios(), samples_).reshape({taps_.size(0), taps_.size(1), samples_});
    return equalised(changed, knobs(), options_.rate_hz);
  }

 private:
  at::Tensor ratios() const { return knobs()["decay_change"] * knobs()["stretch"]; }

  bool changes() const { return !options_.keep_noise || ratios().detach().ne(1).any().item<bool>(); }
  void make_change() const {
    if (!change_) change_ = std::make_unique<DecayChange>(taps_.reshape({-1, taps_.size(2)}), options_);
    change_->settle(ratios());
    samples_ = change_->samples_for(ratios());
  }

  /// Mean of the octaves 500 Hz and 1 kHz; 0 where neither decays.
  static double middle(const std::vector<double>& times) {
    const double sum = times[3] + times[4];
    return times[3] > 0 && times[4] > 0 ? sum / 2 : sum;
  }

  void set_t60(double t60_s, const Fields& f) {
    const at::NoGradGuard no_grad;
    make_change();
    const Range range = knobs().range("stretch");
    double measured = 0;
    for (int round = 0; round < kRounds; ++round) {
      measured = middle(DecayChange::octave_times(change_->apply(ratios(), samples_), options_.rate_hz));
      if (!(measured > 0)) f.fail("t60_s", "the response has no decay at 500 Hz or 1 kHz that could be changed");
      if (std::abs(measured - t60_s) < kT60Tolerance * t60_s) return;
      const double wanted = std::clamp(knobs().number("stretch") * t60_s / measured, range.min, range.max);
      if (wanted == knobs().number("stretch")) break;  // at an end of its range
      own().set("stretch", wanted);
      make_change();
    }
    measured = middle(DecayChange::octave_times(change_->apply(ratios(), samples_), options_.rate_hz));
    if (std::abs(measured - t60_s) < 2 * kT60Tolerance * t60_s) return;
    f.fail("t60_s", "a decay time of " + std::to_string(t60_s) + " s cannot be reached: stretch goes from " +
                        std::to_string(range.min) + " to " + std::to_string(range.max) + " and came to " +
                        std::to_string(measured) + " s");
  }

  ResponseLayout layout_;
  DecayChange::Options options_;
  at::Tensor taps_;  // [O, I, L] as measured
  mutable std::unique_ptr<DecayChange> change_;
  mutable std::int64_t samples_ = 0;
};

}  // namespace

DIFFVERB_PART(models, convolution, Convolution,
              "A measured response, mono, stereo or true stereo, with its tone and decay changed by octaves",
              "Gardner 1995 (the engine); Schroeder 1965 (decay curves)")

}  // namespace diffverb
