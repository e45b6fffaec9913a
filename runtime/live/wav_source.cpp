#include <mutex>

#include "runtime/live/response_voice.h"
#include "runtime/live/sources.h"
#include "runtime/live/wav_file.h"

namespace diffverb::runtime {
namespace {

constexpr double kLongestSeconds = 60;

/// A measured or made response: mono, stereo (left to left, right to right), or true stereo (left to left, left to right,
/// right to left, right to right). It plays at the level that it has.
class WavSource final : public Source {
 public:
  WavSource(WavSound sound, std::string name) : sound_(std::move(sound)), title_(std::move(name)) {}

  const char* kind() const override { return "response"; }
  std::string title() const override { return title_; }
  bool has_point() const override { return false; }

  VoiceResult make_voice(const Setting& setting, const GivenUp& given_up) const override {
    const ResponseLayout layout = sound_.channels.size() == 1   ? ResponseLayout::kMono
                                  : sound_.channels.size() == 2 ? ResponseLayout::kStereo
                                                                : ResponseLayout::kTrueStereo;
    return make_guarded([&]() -> VoiceResult {
      if (setting.rate_hz == sound_.sample_rate_hz && setting.variation == Variation{})
        return make_checked_voice(sound_.channels, layout, given_up);
      return make_varied_voice(*at_rate(setting.rate_hz), layout, setting.variation, given_up);
    });
  }

 private:
  /// The responses at a host's rate, made once for all the voices there: for the rate that was asked for last.
  std::shared_ptr<const VariedResponses> at_rate(double rate_hz) const {
    {
      const std::lock_guard lock(keeping_);
      if (varied_ && varied_rate_hz_ == rate_hz) return varied_;
    }
    auto made = std::make_shared<const VariedResponses>(sound_.channels, sound_.sample_rate_hz, rate_hz);
    const std::lock_guard lock(keeping_);
    varied_ = made;
    varied_rate_hz_ = rate_hz;
    return made;
  }

  WavSound sound_;
  std::string title_;
  mutable std::mutex keeping_;
  mutable std::shared_ptr<const VariedResponses> varied_;
  mutable double varied_rate_hz_ = 0;
};

}  // namespace

SourceResult make_wav_source(std::span<const std::uint8_t> file, const std::string& name) {
  WavSound sound = read_wav(file);
  if (!sound.error.empty()) return {nullptr, sound.error};
  const std::size_t channels = sound.channels.size();
  if (channels != 1 && channels != 2 && channels != 4)
    return {nullptr, std::to_string(channels) + " channels, expected 1, 2 or 4 (true stereo) in a response"};
  const double seconds = static_cast<double>(sound.channels[0].size()) / sound.sample_rate_hz;
  if (seconds > kLongestSeconds)
    return {nullptr, "lasts " + std::to_string(static_cast<int>(seconds)) + " s, expected a response of at most 60 s"};
  return {std::make_shared<WavSource>(std::move(sound), name), {}};
}

}  // namespace diffverb::runtime
