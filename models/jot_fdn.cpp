#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "core/matrices/matrix.h"
#include "core/seed.h"
#include "models/filter_matrix.h"
#include "models/line_decay.h"
#include "models/network_model.h"
#include "models/primes.h"
#include "models/turning_choice.h"

namespace diffverb {
namespace {

/// A feedback delay network from a config alone: any feedback matrix, decay times at 0 Hz and at high_hz, and what moves.
///
///   y = E(z) C s + dry u,   s = G(z) (A s + B u)
///
/// G loses what each delay is to lose for decay_s at 0 Hz and t60_high_s at high_hz, E makes up for it in loudness
/// (models/line_decay.h). Delays are primes between both delays_ms, drawn from the seed, or delays_samples at the config's
/// rate. `filter: {kind: dense | velvet, stages}` makes A one of filters (models/filter_matrix.h), `turning` lets it move
/// (models/turning_choice.h); modulation_ms moves the lines, each at a pace of its own: modulation_sines of 1 a chorus, of
/// more a wander (core/network/line_motion.h). input_gain and output_gain: channel after channel, all lines of each.
/// Source   Jot and Chaigne 1991, "Digital delay networks for designing artificial reverberators"
class JotFdn final : public NetworkModel {
 public:
  explicit JotFdn(Fields& f) {
    read_lines(f);
    read_matrix(f);
    own().add(f, "decay_s", 2.0, between(0.1, 20), "s");
    own().add(f, "t60_high_s", 1.0, between(0.05, 20), "s");
    own().add(f, "high_hz", 8000, between(1000, 192000), "Hz", Knobs::Kind::kFixed);
    own().add(f, "input_gain", spread_signs(inputs_, lines_, derive_seed(seed_, "inputs")), between(-1, 1));
    own().add(f, "output_gain", spread_signs(outputs_, lines_, seed_), between(-1, 1));
    own().add(f, "dry", 0.0, between(0, 1));
    f.optional("tone_correction", tone_correction_);
    own().add(f, "modulation_ms", 0.0, between(0, 5), "ms", Knobs::Kind::kFixed);
    own().add(f, "modulation_hz", 0.7, between(0, 20), "Hz", Knobs::Kind::kFixed);
    f.optional("modulation_spread", modulation_spread_, between(0, 0.9));
    f.optional("modulation_sines", modulation_sines_, between(1, 16));
    finish(f);
    made_for_hz_ = sample_rate_hz();
    const auto delays = delays_at(made_for_hz_);
    const double shortest = *std::min_element(delays.begin(), delays.end());
    if (moves() && shortest - depth_samples(made_for_hz_).item<double>() < 4)
      f.fail("modulation_ms", "the shortest line has " + std::to_string(static_cast<int>(shortest)) +
                                  " samples; expected a depth that leaves 4 of them");
  }
  std::string decay_knob() const override { return "decay_s"; }

  std::map<std::string, at::Tensor> parameters() const override {
    auto all = NetworkModel::parameters();
    for (std::size_t k = 0; k < matrices_.size(); ++k) {
      for (const auto& [name, tensor] : matrices_[k]->parameters())
        all["matrix." + std::to_string(k) + "." + name] = tensor;
    }
    for (const auto& [name, tensor] : turning_.parameters()) all["turning." + name] = tensor;
    return all;
  }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(inputs_, rate);
    const auto delays = delays_at(rate);
    const auto b = knobs()["input_gain"].reshape({inputs_, lines_}), c = output_gains();
    const LineDecay decay{knobs()["decay_s"], knobs()["t60_high_s"], knobs()["high_hz"]};
    std::vector<SignalFlow::Signal> loops, lines;
    for (std::int64_t j = 0; j < lines_; ++j) {
      loops.push_back(flow.loop());
      auto in = loops.back();
      for (std::int64_t i = 0; i < inputs_; ++i) in = in + b[i][j] * flow.input(i);
      const double samples = delays[static_cast<std::size_t>(j)];
      lines.push_back(flow.delay(in, samples, decay.sos(at::scalar_tensor(samples, at::kDouble), rate)));
    }
    const auto fed = add_filter_matrix(flow, matrix_at(rate), lines,
                                       [&](const at::Tensor& samples) { return decay.sos(samples, rate); });
    for (std::size_t j = 0; j < fed.size(); ++j) flow.close(loops[j], fed[j]);
    std::vector<SignalFlow::Signal> outputs;
    for (std::int64_t o = 0; o < outputs_; ++o) {
      SignalFlow::Signal sum;
      for (std::int64_t j = 0; j < lines_; ++j) sum = sum + c[o][j] * lines[static_cast<std::size_t>(j)];
      if (tone_correction_) sum = flow.filter(sum, decay.tone_sos(rate));
      outputs.push_back(sum + knobs()["dry"] * flow.input(std::min(o, inputs_ - 1)));
    }
    return flow.network(outputs);
  }

  std::vector<LineMotion> motion(double rate) const override {
    if (!moves()) return {};
    std::vector<LineMotion> all;
    const auto depth = depth_samples(rate);
    const auto rates = spread_rates(knobs()["modulation_hz"], modulation_spread_, lines_);
    for (std::int64_t j = 0; j < lines_; ++j) {
      for (auto& part : wander(j, depth, rates[j].item<double>(), modulation_sines_, seed_)) all.push_back(part);
    }
    return all;
  }
  std::optional<TurningMatrix> turning(double /*rate*/) const override {
    const auto loop = turning_.of(matrices_[0]->matrix());
    if (!loop || !tone_correction_) return loop;
    return with_listeners(*loop, output_gains());
  }

 private:
  void read_lines(Fields& f);
  void read_matrix(Fields& f);

  std::vector<double> delays_at(double rate) const {
    if (delays_samples_.empty())
      return prime_delays(lines_, delays_ms_[0] * rate / 1000, delays_ms_[1] * rate / 1000, seed_);
    const double made_for_hz = made_for_hz_ > 0 ? made_for_hz_ : rate;
    std::vector<double> delays;
    for (const std::int64_t samples : delays_samples_)
      delays.push_back(std::max(3.0, std::round(static_cast<double>(samples) * rate / made_for_hz)));
    return delays;
  }
  at::Tensor output_gains() const { return knobs()["output_gain"].reshape({outputs_, lines_}); }
  bool moves() const { return knobs().number("modulation_ms") > 0 || knobs().is_learned("modulation_ms"); }
  at::Tensor depth_samples(double rate) const { return knobs()["modulation_ms"] * (rate / 1000); }

  FilterMatrix matrix_at(double rate) const {
    FilterMatrix matrix;
    for (const auto& each : matrices_) matrix.mixers.push_back(each->matrix().to(at::kDouble));
    if (const auto turns = turning_.of(matrix.mixers[0])) matrix.mixers[0] = at_rest(*turns);
    matrix.delays =
        stage_delays(kind_ == "none" ? "dense" : kind_, lines_, static_cast<std::int64_t>(matrices_.size()) - 1,
                     std::max(1.0, gap_ms_ * rate / 1000), seed_);
    return matrix;
  }

  std::int64_t lines_ = 8, inputs_ = 1, outputs_ = 2, stages_ = 2, modulation_sines_ = 1;
  std::uint64_t seed_ = 1;
  std::vector<double> delays_ms_ = {25, 70};
  std::vector<std::int64_t> delays_samples_;
  double made_for_hz_ = 0;  // 0: while it is made, at the rate of then
  double gap_ms_ = 0.5, modulation_spread_ = 0.3;
  bool tone_correction_ = true;
  std::string kind_ = "none";
  std::vector<std::unique_ptr<FeedbackMatrix>> matrices_;  // U_0 .. U_K
  TurningChoice turning_;
};

void JotFdn::read_lines(Fields& f) {
  f.optional("delays_samples", delays_samples_, between(4, 1e6), "samples");
  if (!delays_samples_.empty()) lines_ = static_cast<std::int64_t>(delays_samples_.size());
  if (lines_ < 2 || lines_ > 64) f.fail("delays_samples", "2 to 64 delays expected, got " + std::to_string(lines_));
  f.optional("lines", lines_, between(2, 64));
  if (!delays_samples_.empty() && lines_ != static_cast<std::int64_t>(delays_samples_.size()))
    f.fail("delays_samples",
           std::to_string(lines_) + " delays expected, got " + std::to_string(delays_samples_.size()));
  f.optional("delays_ms", delays_ms_, between(1, 1000), "ms");
  if (delays_ms_.size() != 2 || !(delays_ms_[0] < delays_ms_[1]))
    f.fail("delays_ms", "the shortest and the longest delay expected");
  f.optional("seed", seed_);
  f.optional("inputs", inputs_, between(1, 2));
  f.optional("outputs", outputs_, between(1, 8));
}

void JotFdn::read_matrix(Fields& f) {
  Fields filter = f.map("filter");
  filter.choice("kind", kind_, {"none", "dense", "velvet"});
  if (kind_ != "none" || f.is_recording()) filter.optional("stages", stages_, between(1, 6));
  if (kind_ == "velvet" || f.is_recording()) filter.optional("gap_ms", gap_ms_, between(0.05, 10), "ms");
  const std::int64_t stages = kind_ == "none" ? 0 : stages_;
  Fields map = f.map("feedback_matrix");
  std::string type = "orthogonal_exp";
  map.optional("type", type);
  const auto& matrices = family<FeedbackMatrix>();
  if (!matrices.has(type)) map.fail("type", "unknown matrix '" + type + "'" + known_names_hint(type, matrices.names()));
  for (std::int64_t k = 0; k <= stages; ++k) {
    Fields again = f.map("feedback_matrix");
    matrices_.push_back(matrices.make(type, again));
    if (!f.is_recording()) matrices_.back()->reset(lines_, derive_seed(seed_, "U" + std::to_string(k)), at::kDouble);
  }
  turning_.read(f.map("turning"), lines_);
  const bool orthogonal = matrices_[0]->is_orthogonal();
  if (stages > 0 && !orthogonal) map.fail("type", "a filter matrix is made of orthogonal ones; " + type + " is not");
  if (turning_.turns() && !orthogonal) map.fail("type", "what turns is an orthogonal matrix; " + type + " is not");
  if (turning_.turns() && stages > 0) filter.fail("kind", "a matrix that turns has no filters: leave out one of them");
  if (std::pow(static_cast<double>(lines_), static_cast<double>(stages)) > 65536)
    filter.fail("stages", "at most 65536 pulses expected, lines^stages");
}

}  // namespace

DIFFVERB_PART(models, jot_fdn, JotFdn,
              "Delay network from a config: any matrix, velvet or dense filters in it, what moves",
              "Jot and Chaigne 1991; Schlecht and Habets 2015, 2020")

}  // namespace diffverb
