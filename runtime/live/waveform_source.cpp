#include <cmath>

#include "runtime/live/response_voice.h"
#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

constexpr double kMiddleHz = 500;  // where the coherence of left and right is taken

/// An autoencoder that makes the sound itself from noise. Width: two points along the first coordinate as in
/// stereo_width.h; the right one's sound is mixed from the left one's noise and another, as coherent at all frequencies as
/// a diffuse field is at 500 Hz.
class WaveformSource final : public Source {
 public:
  WaveformSource(std::shared_ptr<const WaveformDecoderWeights> weights, const std::string& name)
      : decoder_(weights), title_(title_of(weights->metadata, name)) {}

  const char* kind() const override { return "waveform autoencoder"; }
  std::string title() const override { return title_; }
  bool has_point() const override { return true; }

  VoiceResult make_voice(const Setting& setting, const GivenUp& given_up) const override {
    return make_guarded([&]() -> VoiceResult {
      const double bound = decoder_.weights().latent_bound;
      std::vector<double> latent;
      for (const double knob : setting.point) latent.push_back(place(knob, -bound, bound));
      const auto points = stereo_points(latent, bound, {setting.width, 0});
      std::vector<float> left = decoder_.decode(points[0], {}), right = left;
      if (setting.width != 0) {
        if (given_up && given_up()) return {nullptr, kGivenUp};
        const double coherence = diffuse_coherence(kMiddleHz, setting.width);
        const auto same = static_cast<float>(coherence), other = std::sqrt(1 - same * same);
        right = decoder_.decode(points[1], {.voice = 1});
        if (same > 0) {
          const std::vector<float> shared = decoder_.decode(points[1], {});
          for (std::size_t n = 0; n < right.size(); ++n) right[n] = same * shared[n] + other * right[n];
        }
      }
      return make_varied_voice({std::move(left), std::move(right)}, ResponseLayout::kStereo,
                               decoder_.weights().sample_rate_hz, setting, given_up);
    });
  }

 private:
  WaveformDecoder decoder_;
  std::string title_;
};

}  // namespace

SourceResult make_waveform_source(std::shared_ptr<const WaveformDecoderWeights> weights, const std::string& name) {
  return {std::make_shared<WaveformSource>(std::move(weights), name), {}};
}

}  // namespace diffverb::runtime
