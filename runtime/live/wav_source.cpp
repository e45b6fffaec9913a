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
    return make_guarded(
        [&] { return make_varied_voice(sound_.channels, layout, sound_.sample_rate_hz, setting, given_up); });
  }

 private:
  WavSound sound_;
  std::string title_;
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
