#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "envelope_weights.h"
#include "moving_networks.h"
#include "networks.h"
#include "runtime/live/live_reverb.h"
#include "runtime/live/sources.h"
#include "small_bank.h"
#include "small_waveform.h"

namespace diffverb::runtime::testing {

using Sound = std::vector<std::vector<float>>;

/// A voice that is a function of one sample, for what happens around voices.
class SimpleVoice final : public Voice {
 public:
  using Sample = std::function<float(float)>;
  SimpleVoice(Sample sample, int inputs, int outputs)
      : sample_(std::move(sample)), inputs_(inputs), outputs_(outputs) {}
  int inputs() const override { return inputs_; }
  int outputs() const override { return outputs_; }
  void process(const float* const* in, float* const* out, int frames) noexcept override {
    for (int o = 0; o < outputs_; ++o) {
      for (int n = 0; n < frames; ++n) out[o][n] = sample_(in[o % inputs_][n]);
    }
  }
  void reset() noexcept override {}
  long long longest_gap() const override { return 0; }

 private:
  Sample sample_;
  int inputs_, outputs_;
};

/// A source whose voices a test makes.
class MadeSource final : public Source {
 public:
  using Make = std::function<VoiceResult(const Setting&)>;
  using MakeUnless = std::function<VoiceResult(const Setting&, const GivenUp&)>;
  explicit MadeSource(Make make, bool has_point = true)
      : MadeSource(MakeUnless([make](const Setting& setting, const GivenUp&) { return make(setting); }), has_point) {}
  explicit MadeSource(MakeUnless make, bool has_point = true) : make_(std::move(make)), has_point_(has_point) {}
  const char* kind() const override { return "made"; }
  std::string title() const override { return "made by a test"; }
  bool has_point() const override { return has_point_; }
  VoiceResult make_voice(const Setting& setting, const GivenUp& given_up) const override {
    return make_(setting, given_up);
  }

 private:
  MakeUnless make_;
  bool has_point_;
};

/// A source of a gain.
inline std::shared_ptr<const Source> gain_source(float gain) {
  return std::make_shared<MadeSource>([gain](const Setting&) {
    return VoiceResult{std::make_unique<SimpleVoice>([gain](float x) { return gain * x; }, 2, 2), {}};
  });
}

/// A WAV file's bytes: 16, 24 or 32 bits of PCM, or 32 of floating point where `code` is 3.
inline std::vector<std::uint8_t> wav_bytes(const Sound& sound, int rate_hz, int code = 3, int bits = 32) {
  std::vector<std::uint8_t> file;
  const auto text = [&](const char* four) {
    for (int i = 0; i < 4; ++i) file.push_back(static_cast<std::uint8_t>(four[i]));
  };
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const auto channels = static_cast<std::uint32_t>(sound.size()), frames = static_cast<std::uint32_t>(sound[0].size());
  const std::uint32_t frame = channels * static_cast<std::uint32_t>(bits) / 8;
  text("RIFF"), number(36 + frame * frames, 4), text("WAVE"), text("fmt "), number(16, 4);
  number(static_cast<std::uint32_t>(code), 2), number(channels, 2), number(static_cast<std::uint32_t>(rate_hz), 4);
  number(static_cast<std::uint32_t>(rate_hz) * frame, 4), number(frame, 2), number(static_cast<std::uint32_t>(bits), 2);
  text("data"), number(frame * frames, 4);
  for (std::size_t n = 0; n < frames; ++n) {
    for (const auto& channel : sound) {
      std::uint32_t raw = 0;
      if (code == 3)
        std::memcpy(&raw, &channel[n], 4);
      else
        raw = static_cast<std::uint32_t>(std::llround(channel[n] * std::exp2(bits - 1)));
      number(raw, bits / 8);
    }
  }
  return file;
}

/// Noise that falls by 60 dB over its length.
inline Sound decaying(int channels, int frames, unsigned seed) {
  Sound sound = noise(channels, frames, seed);
  for (auto& channel : sound) {
    for (int n = 0; n < frames; ++n) channel[static_cast<std::size_t>(n)] *= 0.1f * std::pow(10.0f, -3.0f * n / frames);
  }
  return sound;
}

inline std::shared_ptr<const Source> wav_source(int channels, int frames, int rate_hz, unsigned seed = 1) {
  const auto file = wav_bytes(decaying(channels, frames, seed), rate_hz);
  const SourceResult loaded = load_source(file, "response");
  EXPECT_EQ(loaded.error, "");
  return loaded.source;
}

/// Left and right, independent, through a reverb in blocks of these sizes, again and again; at(sample) is called before each
/// of them.
inline Sound play(LiveReverb& reverb, const Sound& input, const std::vector<int>& blocks,
                  const std::function<void(std::size_t)>& at = {}, int outputs = 2) {
  Sound output(static_cast<std::size_t>(outputs), std::vector<float>(input[0].size()));
  std::size_t done = 0;
  for (std::size_t call = 0; done < input[0].size(); ++call) {
    const auto frames = std::min(static_cast<std::size_t>(blocks[call % blocks.size()]), input[0].size() - done);
    if (at) at(done);
    const float* from[] = {input.front().data() + done, input.back().data() + done};
    float* to[] = {output.front().data() + done, output.back().data() + done};
    reverb.process(from, to, static_cast<int>(frames));
    done += frames;
  }
  return output;
}

/// A reverb that is ready at 48 kHz, with a source; nothing but the voice is heard.
inline std::unique_ptr<LiveReverb> ready(std::shared_ptr<const Source> source, double rate_hz = 48000, int inputs = 2,
                                         int outputs = 2) {
  auto reverb = std::make_unique<LiveReverb>();
  reverb->set(Control::kInputGain, 0);
  EXPECT_EQ(reverb->load(std::move(source)), "");
  EXPECT_EQ(reverb->prepare(rate_hz, inputs, outputs), "");
  EXPECT_EQ(reverb->playing().problem, "");
  return reverb;
}

inline double largest_difference(const Sound& a, const Sound& b) {
  double worst = 0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    for (std::size_t n = 0; n < a[c].size(); ++n)
      worst = std::max(worst, std::abs(static_cast<double>(a[c][n]) - b[c][n]));
  }
  return worst;
}

inline double rms(const std::vector<float>& x, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t n = from; n < to; ++n) sum += static_cast<double>(x[n]) * x[n];
  return std::sqrt(sum / static_cast<double>(to - from));
}

struct NamedSource {
  const char* name;
  std::shared_ptr<const Source> source;
};

/// One of every kind, small, at 48 kHz where the kind has a rate of its choice.
inline std::vector<NamedSource> sources_of_every_kind() {
  const auto network = [](DelayNetworkWeights weights) {
    LoadResult made = make_model(std::move(weights));
    EXPECT_EQ(made.error, "");
    return make_network_source(made.model, "network").source;
  };
  auto moving = turning_network({9, 2, 2, 3, 4, 100, 30, 200}, Turn::kBetweenTwo, 0.05f, 1);
  add_motions(moving, 2, 20, 1);
  return {
      {"built in", built_in_source()},
      {"network", network(random_network({8, 1, 2, 3, 5, 300, 100, 900}, 1))},
      {"moving network", network(moving)},
      {"bank", make_bank_source(std::make_shared<ResponseBank>(small_bank(4000)), "bank").source},
      {"envelope", make_envelope_source(std::make_shared<EnvelopeDecoderWeights>(made_envelope_weights()), "").source},
      {"waveform", make_waveform_source(std::make_shared<WaveformDecoderWeights>(small_waveform()), "").source},
      {"mono WAV", wav_source(1, 9000, 48000)},
      {"stereo WAV", wav_source(2, 9000, 48000)},
      {"true stereo WAV", wav_source(4, 9000, 48000)}};
}

}  // namespace diffverb::runtime::testing
