#include "runtime/render_program/offline_player.h"

#include <algorithm>
#include <functional>

#include "runtime/engine.h"
#include "runtime/render.h"
#include "runtime/render_program/failure.h"
#include "runtime/response_player.h"

namespace diffverb::runtime {
namespace {

constexpr double kLongestTail = 30;  // s

/// Until the energy of a response that is still to come has fallen by 60 dB.
double time_to_fall(const std::function<std::vector<std::vector<float>>(double seconds)>& response, double rate_hz) {
  for (double seconds = 1; seconds < 2 * kLongestTail; seconds *= 2) {
    const auto ir = response(seconds);
    std::vector<double> to_come(ir[0].size() + 1, 0.0);
    for (std::size_t n = ir[0].size(); n-- > 0;) {
      to_come[n] = to_come[n + 1];
      for (const auto& channel : ir) to_come[n] += static_cast<double>(channel[n]) * channel[n];
    }
    const double end = 1e-6 * to_come[0];
    const auto silent = std::find_if(to_come.begin(), to_come.end(), [&](double energy) { return energy <= end; });
    const double at = static_cast<double>(silent - to_come.begin()) / rate_hz;
    // What lies beyond this response is not in the sum: only an early end is a sure one.
    if (at <= 0.75 * seconds) return at;
  }
  return kLongestTail;
}

class ModelPlayer final : public OfflinePlayer {
 public:
  explicit ModelPlayer(std::shared_ptr<const Model> model) : model_(std::move(model)) {
    if (const std::string error = engine_.prepare(model_, model_->sample_rate_hz()); !error.empty())
      throw RenderFailure{4, error};
  }
  double rate_hz() const override { return model_->sample_rate_hz(); }
  int inputs() const override { return model_->inputs(); }
  int outputs() const override { return model_->outputs(); }
  void start(double, int) override { engine_.reset(); }
  double tail_s() override {
    if (tail_s_ < 0) tail_s_ = time_to_fall([&](double seconds) { return render_impulse(model_, seconds); }, rate_hz());
    return tail_s_;
  }
  void process(const float* const* in, float* const* out, int frames) noexcept override {
    engine_.process(in, out, frames);
  }

 private:
  std::shared_ptr<const Model> model_;
  Engine engine_;
  double tail_s_ = -1;
};

class ResponsesPlayer final : public OfflinePlayer {
 public:
  ResponsesPlayer(std::array<std::vector<float>, 2> responses, double rate_hz)
      : rate_hz_(rate_hz), tail_s_(static_cast<double>(responses[0].size() - 1) / rate_hz) {
    player_.prepare(responses[0], responses[1]);
  }
  double rate_hz() const override { return rate_hz_; }
  int most_channels() const override { return 2; }
  int inputs() const override { return 2; }
  int outputs() const override { return 2; }
  void start(double, int) override { player_.reset(); }
  double tail_s() override { return tail_s_; }
  void process(const float* const* in, float* const* out, int frames) noexcept override {
    player_.process(in, out, frames);
  }

 private:
  ResponsePlayer player_;
  double rate_hz_, tail_s_;
};

class PresetPlayer final : public OfflinePlayer {
 public:
  explicit PresetPlayer(const Preset& preset) {
    if (const std::string error = apply(preset, reverb_); !error.empty()) throw RenderFailure{2, error};
  }
  double rate_hz() const override { return 0; }
  int most_channels() const override { return 2; }
  int inputs() const override { return channels_; }
  int outputs() const override { return 2; }
  void start(double rate_hz, int channels) override {
    channels_ = channels;
    rate_hz_ = rate_hz;
    if (const std::string error = reverb_.prepare(rate_hz, channels, 2); !error.empty()) throw RenderFailure{2, error};
    if (const std::string problem = reverb_.playing().problem; !problem.empty()) throw RenderFailure{2, problem};
  }
  double tail_s() override {
    if (reverb_.get(Control::kFreeze) > 0) return 0;  // it never ends
    return time_to_fall([&](double seconds) { return reverb_.response(seconds); }, rate_hz_);
  }
  void process(const float* const* in, float* const* out, int frames) noexcept override {
    reverb_.process(in, out, frames);
  }

 private:
  LiveReverb reverb_;
  int channels_ = 2;
  double rate_hz_ = 0;
};

}  // namespace

std::unique_ptr<OfflinePlayer> play_model(std::shared_ptr<const Model> model) {
  return std::make_unique<ModelPlayer>(std::move(model));
}

std::unique_ptr<OfflinePlayer> play_responses(std::array<std::vector<float>, 2> responses, double rate_hz) {
  return std::make_unique<ResponsesPlayer>(std::move(responses), rate_hz);
}

std::unique_ptr<OfflinePlayer> play_preset(const Preset& preset, const std::filesystem::path& model) {
  Preset chosen = preset;
  if (!model.empty()) chosen.model = model;
  return std::make_unique<PresetPlayer>(chosen);
}

}  // namespace diffverb::runtime
