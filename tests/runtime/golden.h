#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/envelope_decoder.h"
#include "runtime/response_bank.h"
#include "runtime/waveform_decoder.h"
#include "runtime/weights.h"

// Golden files: what an earlier writer wrote, and what it sounded like (golden/README.md). This header needs no test
// library, so that the cross builds play them too.

namespace diffverb::runtime::testing {

struct GoldenSound {
  std::vector<float> samples;  ///< all outputs, one after the other
  std::string error;           ///< empty, or why it was not played
};

/// 1024 samples of a model for 300 of noise at its inputs, from whole numbers alone.
inline GoldenSound play_golden(const std::shared_ptr<const Model>& model) {
  constexpr std::size_t kFrames = 1024, kNoise = 300;
  Engine engine;
  if (std::string error = engine.prepare(model, model->sample_rate_hz()); !error.empty()) return {{}, error};
  const auto inputs = static_cast<std::size_t>(model->inputs()), outputs = static_cast<std::size_t>(model->outputs());
  std::vector<float> in(inputs * kFrames, 0.0f), out(outputs * kFrames);
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t n = 0; n < kNoise; ++n) {
      random = random * 1664525u + 1013904223u;
      in[i * kFrames + n] = static_cast<float>(static_cast<int>(random >> 16) - 32768) / 65536.0f;
    }
  }
  std::vector<const float*> from;
  std::vector<float*> to;
  for (std::size_t i = 0; i < inputs; ++i) from.push_back(in.data() + i * kFrames);
  for (std::size_t o = 0; o < outputs; ++o) to.push_back(out.data() + o * kFrames);
  engine.process(from.data(), to.data(), static_cast<int>(kFrames));
  return {out, {}};
}

/// What a file of any kind plays: a model as above, a bank between its points, a decoder's first 30 ms of one point.
inline GoldenSound play_golden(std::span<const std::uint8_t> file) {
  const LoadResult model = load_model(file);
  if (model) return play_golden(model.model);
  if (const BankResult bank = load_bank(file)) {
    const StereoResponse response = response_at(*bank.bank, {0.4, 0.7, 0});
    GoldenSound sound{response.channels[0], response.error};
    sound.samples.insert(sound.samples.end(), response.channels[1].begin(), response.channels[1].end());
    return sound;
  }
  const std::array<double, 3> point{0.75, -1.5, 0.25};
  if (const EnvelopeDecoderResult loaded = load_envelope_decoder(file)) {
    const auto pair = EnvelopeDecoder(loaded.weights).decode_pair(point, {}, {.seconds = 0.03, .with_floor = true});
    GoldenSound sound{pair[0], {}};
    sound.samples.insert(sound.samples.end(), pair[1].begin(), pair[1].end());
    return sound;
  }
  const WaveformDecoderResult loaded = load_waveform_decoder(file);
  if (loaded) return {WaveformDecoder(loaded.weights).decode(point, {.seconds = 0.03, .with_floor = true}), {}};
  return {{}, model.error + "; " + loaded.error};
}

}  // namespace diffverb::runtime::testing
