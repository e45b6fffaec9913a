#include "runtime/live/response_voice.h"

#include <algorithm>
#include <cstddef>

#include "runtime/convolver.h"
#include "runtime/kernels.h"
#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

constexpr int kVoiceBlock = 512;
constexpr std::size_t kVoiceStride = kVoiceBlock + kPad;

class ResponseVoice final : public Voice {
 public:
  ResponseVoice(const std::vector<std::vector<float>>& responses, ResponseLayout layout)
      : channels_(layout == ResponseLayout::kMono ? 1 : 2),
        crossed_(layout == ResponseLayout::kTrueStereo),
        length_(static_cast<int>(responses[0].size())),
        in_(channels_ * kVoiceStride, 0.0f),
        out_(channels_ * kVoiceStride, 0.0f) {
    if (crossed_) {
      std::vector<float> taps;  // [outputs, inputs, length]
      for (const std::size_t r : {0, 2, 1, 3}) taps.insert(taps.end(), responses[r].begin(), responses[r].end());
      convolvers_.resize(1);
      convolvers_[0].prepare(taps, 2, 2, length_);
      return;
    }
    convolvers_.resize(channels_);
    for (std::size_t c = 0; c < channels_; ++c) convolvers_[c].prepare(responses[c], 1, 1, length_);
  }

  int inputs() const override { return static_cast<int>(channels_); }
  int outputs() const override { return static_cast<int>(channels_); }

  void process(const float* const* in, float* const* out, int frames) noexcept override {
    for (int done = 0; done < frames; done += kVoiceBlock) {
      const int count = std::min(kVoiceBlock, frames - done);
      for (std::size_t c = 0; c < channels_; ++c) std::copy_n(in[c] + done, count, in_.data() + c * kVoiceStride);
      std::fill(out_.begin(), out_.end(), 0.0f);
      for (std::size_t k = 0; k < convolvers_.size(); ++k)
        convolvers_[k].add(in_.data() + k * kVoiceStride, kVoiceStride, out_.data() + k * kVoiceStride, kVoiceStride,
                           count);
      for (std::size_t c = 0; c < channels_; ++c) std::copy_n(out_.data() + c * kVoiceStride, count, out[c] + done);
    }
  }

  void reset() noexcept override {
    for (Convolver& convolver : convolvers_) convolver.reset();
  }
  long long longest_gap() const override { return length_; }

 private:
  std::size_t channels_;
  bool crossed_;
  int length_;
  std::vector<Convolver> convolvers_;  // one a channel, or one for all pairs
  Floats in_, out_;                    // [channels, kVoiceStride]
};

}  // namespace

VoiceResult make_checked_voice(const std::vector<std::vector<float>>& responses, ResponseLayout layout,
                               const GivenUp& given_up) {
  if (responses.empty() || responses[0].empty()) return {nullptr, "the response holds no samples"};
  if (given_up && given_up()) return {nullptr, kGivenUp};
  return {std::make_unique<ResponseVoice>(responses, layout), {}};
}

VoiceResult make_varied_voice(const VariedResponses& responses, ResponseLayout layout, const Variation& variation,
                              const GivenUp& given_up) {
  if (!responses.error().empty()) return {nullptr, responses.error()};
  if (given_up && given_up()) return {nullptr, kGivenUp};
  return make_checked_voice(responses.at(variation), layout, given_up);
}

VoiceResult make_varied_voice(std::vector<std::vector<float>> responses, ResponseLayout layout, double rate_hz,
                              const Setting& setting, const GivenUp& given_up) {
  if (setting.rate_hz == rate_hz && setting.variation == Variation{})
    return make_checked_voice(responses, layout, given_up);
  const VariedResponses varied(std::move(responses), rate_hz, setting.rate_hz);
  return make_varied_voice(varied, layout, setting.variation, given_up);
}

}  // namespace diffverb::runtime
