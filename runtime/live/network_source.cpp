#include <algorithm>
#include <cmath>

#include "runtime/engine.h"
#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

constexpr int kMostChannels = 2;  // what is heard of a voice (placed_voice.h)

/// The longest way of a sound through the lines to an output: through one where all are heard; else it may lead through all.
/// What stands beside the lines may sound later still.
long long longest_gap_of(const DelayNetworkWeights& w) {
  long long longest = 0, all = 0;
  bool all_heard = true;
  for (int j = 0; j < w.lines; ++j) {
    const auto delay = w.delays[static_cast<std::size_t>(j)] + static_cast<long long>(std::ceil(w.depth_of(j)));
    longest = std::max(longest, delay);
    all += delay;
    bool heard = false;
    for (int o = 0; o < w.outputs; ++o) heard |= w.C[static_cast<std::size_t>(o * w.lines + j)] != 0;
    all_heard &= heard;
  }
  longest =
      std::max<long long>({all_heard ? longest : all, w.early_samples, w.moving.count > 0 ? w.moving.samples : 0});
  for (const auto& term : w.terms) longest = std::max<long long>(longest, term->memory_samples());
  return longest;
}

class NetworkVoice final : public Voice {
 public:
  NetworkVoice(Engine engine, long long longest_gap) : engine_(std::move(engine)), longest_gap_(longest_gap) {}
  int inputs() const override { return engine_.inputs(); }
  int outputs() const override { return engine_.outputs(); }
  void process(const float* const* in, float* const* out, int frames) noexcept override {
    engine_.process(in, out, frames);
  }
  void reset() noexcept override { engine_.reset(); }
  long long longest_gap() const override { return longest_gap_; }

 private:
  Engine engine_;
  long long longest_gap_;
};

/// A delay network, with all that may stand beside it in its file.
class NetworkSource final : public Source {
 public:
  NetworkSource(std::shared_ptr<const Model> model, const std::string& name)
      : model_(std::move(model)), title_(title_of(model_->metadata, name)) {}

  const char* kind() const override { return "delay network"; }
  std::string title() const override { return title_; }
  bool has_point() const override { return false; }
  bool moves() const override { return model_->network.moves() || model_->network.moving.count > 0; }

  VoiceResult make_voice(const Setting& setting, const GivenUp& given_up) const override {
    return make_guarded([&]() -> VoiceResult {
      LoadResult varied{model_, {}};
      if (setting.rate_hz != model_->sample_rate_hz() || setting.variation != Variation{})
        varied = vary_network(*model_, setting.rate_hz, setting.variation);
      if (!varied) return {nullptr, varied.error};
      if (given_up && given_up()) return {nullptr, kGivenUp};
      Engine engine;
      if (std::string error = engine.prepare(varied.model, setting.rate_hz); !error.empty()) return {nullptr, error};
      return {std::make_unique<NetworkVoice>(std::move(engine), longest_gap_of(varied.model->network)), {}};
    });
  }

 private:
  std::shared_ptr<const Model> model_;
  std::string title_;
};

}  // namespace

SourceResult make_network_source(std::shared_ptr<const Model> model, const std::string& name) {
  if (model->network.lossless) return {nullptr, "loses nothing and would ring for ever: it cannot be played live"};
  if (model->inputs() > kMostChannels || model->outputs() > kMostChannels)
    return {nullptr, std::to_string(model->inputs()) + " inputs and " + std::to_string(model->outputs()) +
                         " outputs, expected at most 2 of each in a network that is played live"};
  return {std::make_shared<NetworkSource>(std::move(model), name), {}};
}

}  // namespace diffverb::runtime
