#include <cmath>

#include "runtime/envelope_encoder.h"
#include "runtime/live/response_voice.h"
#include "runtime/live/sources.h"
#include "runtime/variation/response_decay.h"

namespace diffverb::runtime {
namespace {

/// An autoencoder whose rooms are envelopes of noise. The knobs span its latent box in the first three coordinates; the
/// others stay in the middle. Width as in stereo_width.h, along the first coordinate. Decay and damping change the room itself.
class EnvelopeSource final : public Source {
 public:
  EnvelopeSource(std::shared_ptr<const EnvelopeDecoderWeights> weights, const std::string& name)
      : decoder_(weights), encoder_(weights), title_(title_of(weights->metadata, name)) {}

  const char* kind() const override { return "autoencoder"; }
  std::string title() const override { return title_; }
  bool has_point() const override { return true; }

  VoiceResult make_voice(const Setting& setting, const GivenUp& given_up) const override {
    return make_guarded([&] {
      const double bound = decoder_.weights().latent_bound;
      std::vector<double> latent;
      for (const double knob : setting.point) latent.push_back(place(knob, -bound, bound));
      const auto points = stereo_points(latent, bound, {setting.width, 0});
      const std::array<EnvelopeRoom, 2> rooms{room_at(points[0], setting.variation),
                                              room_at(points[1], setting.variation)};
      auto pair = decoder_.sounds_of(rooms, setting.width, {});
      Setting rest = setting;
      rest.variation.decay = 1;
      rest.variation.damping = 0;
      return make_varied_voice({std::move(pair[0]), std::move(pair[1])}, ResponseLayout::kStereo,
                               decoder_.weights().sample_rate_hz, rest, given_up);
    });
  }

  /// Coordinates that no knob has stay in the middle.
  PointResult point_of(const std::vector<std::vector<float>>& response, double rate_hz) const override {
    const EncodedPoint encoded = encoder_.encode(response, rate_hz);
    if (!encoded) return {{}, encoded.error};
    const double bound = decoder_.weights().latent_bound;
    PointResult result;
    for (std::size_t i = 0; i < result.point.size(); ++i)
      result.point[i] = knob_of(i < encoded.latent.size() ? encoded.latent[i] : 0, -bound, bound);
    return result;
  }

 private:
  /// The room with other decay times: exact, and no work, where a finished response would have to be taken apart. Every
  /// band begins as loud as before.
  EnvelopeRoom room_at(std::span<const double> latent, const Variation& variation) const {
    EnvelopeRoom room = decoder_.room_of(latent);
    for (std::size_t k = 0; k < room.t1_s.size(); ++k) {
      const double factor = decay_factor(variation, decoder_.weights().centres_hz[k]);
      room.t1_s[k] *= factor;
      room.t2_s[k] *= factor;
      room.level_db[k] += 10 * std::log10(factor);
    }
    return room;
  }

  EnvelopeDecoder decoder_;
  EnvelopeEncoder encoder_;
  std::string title_;
};

}  // namespace

SourceResult make_envelope_source(std::shared_ptr<const EnvelopeDecoderWeights> weights, const std::string& name) {
  return {std::make_shared<EnvelopeSource>(std::move(weights), name), {}};
}

}  // namespace diffverb::runtime
