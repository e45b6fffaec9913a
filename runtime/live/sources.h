#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/envelope_decoder.h"
#include "runtime/live/source.h"
#include "runtime/response_bank.h"
#include "runtime/waveform_decoder.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// The sources behind load_source(), one for every kind of file; what they are made from was checked. `name` is the title
/// where the metadata has none.
SourceResult make_network_source(std::shared_ptr<const Model> model, const std::string& name);
SourceResult make_bank_source(std::shared_ptr<const ResponseBank> bank, const std::string& name);
SourceResult make_envelope_source(std::shared_ptr<const EnvelopeDecoderWeights> weights, const std::string& name);
SourceResult make_waveform_source(std::shared_ptr<const WaveformDecoderWeights> weights, const std::string& name);
/// Reads a WAV file's bytes.
SourceResult make_wav_source(std::span<const std::uint8_t> file, const std::string& name);

/// A model's own title: metadata "title", or that of its provenance; else `name`.
std::string title_of(const Metadata& metadata, const std::string& name);

/// A knob's 0 .. 9 as a place between two bounds.
inline double place(double knob, double low, double high) { return low + knob / 9 * (high - low); }

/// The way back; clamped.
inline double knob_of(double value, double low, double high) {
  return std::clamp(9 * (value - low) / (high - low), 0.0, 9.0);
}
inline constexpr const char* kGivenUp = "was given up: another one is wanted";

/// make(), where what is thrown (memory that cannot be had) becomes a reason.
template <typename Make>
VoiceResult make_guarded(Make make) {
  try {
    return make();
  } catch (const std::exception& error) {
    return {nullptr, std::string("cannot be made: ") + error.what()};
  }
}

}  // namespace diffverb::runtime
