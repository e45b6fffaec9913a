#include "runtime/live/response_voice.h"
#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

/// An autoencoder whose rooms are envelopes of noise. The knobs span its latent box in the first three coordinates; the
/// others stay in the middle. Width as in stereo_width.h, along the first coordinate.
class EnvelopeSource final : public Source {
 public:
  EnvelopeSource(std::shared_ptr<const EnvelopeDecoderWeights> weights, const std::string& name)
      : decoder_(weights), title_(title_of(weights->metadata, name)) {}

  const char* kind() const override { return "autoencoder"; }
  std::string title() const override { return title_; }
  bool has_point() const override { return true; }

  VoiceResult make_voice(const Setting& setting) const override {
    return make_guarded([&] {
      const double bound = decoder_.weights().latent_bound;
      std::vector<double> latent;
      for (const double knob : setting.point) latent.push_back(place(knob, -bound, bound));
      auto pair = decoder_.decode_pair(latent, {setting.width, 0}, {});
      return make_varied_voice({std::move(pair[0]), std::move(pair[1])}, ResponseLayout::kStereo,
                               decoder_.weights().sample_rate_hz, setting);
    });
  }

 private:
  EnvelopeDecoder decoder_;
  std::string title_;
};

}  // namespace

SourceResult make_envelope_source(std::shared_ptr<const EnvelopeDecoderWeights> weights, const std::string& name) {
  return {std::make_shared<EnvelopeSource>(std::move(weights), name), {}};
}

}  // namespace diffverb::runtime
