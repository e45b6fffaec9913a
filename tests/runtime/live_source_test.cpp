#include "live.h"
#include "runtime/live/source.h"
#include "runtime/live/wav_file.h"

namespace diffverb::runtime {
namespace {

using testing::Sound;

/// The output of a voice for an impulse at one of its inputs.
Sound impulse_response(Voice& voice, std::size_t input, int frames) {
  Sound in(static_cast<std::size_t>(voice.inputs()), std::vector<float>(static_cast<std::size_t>(frames)));
  Sound out(static_cast<std::size_t>(voice.outputs()), in[0]);
  in[input][0] = 1;
  std::vector<const float*> from;
  std::vector<float*> to;
  for (const auto& channel : in) from.push_back(channel.data());
  for (auto& channel : out) to.push_back(channel.data());
  voice.process(from.data(), to.data(), frames);
  return out;
}

TEST(LiveSource, OfEveryKindMakesVoices) {
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    ASSERT_TRUE(source) << name;
    const VoiceResult made = source->make_voice({});
    ASSERT_EQ(made.error, "") << name;
    EXPECT_GT(testing::rms(impulse_response(*made.voice, 0, 48000)[0], 0, 48000), 1e-6) << name;
  }
}

TEST(LiveSource, IsReadFromTheBytesOfEveryKindOfFile) {
  const auto kind_of = [](const SerializedWeights& file) {
    EXPECT_EQ(file.error, "");
    const SourceResult loaded = load_source(file.bytes, "name");
    EXPECT_EQ(loaded.error, "");
    return loaded ? std::string(loaded.source->kind()) + " " + loaded.source->title() : std::string();
  };
  EXPECT_EQ(kind_of(serialize_weights(testing::random_network({}, 1), {{"title", "Cellar"}})), "delay network Cellar");
  EXPECT_EQ(kind_of(serialize_bank(testing::small_bank())), "response bank name");
  EXPECT_EQ(kind_of(serialize_envelope_decoder(made_envelope_weights())), "autoencoder name");
  EXPECT_EQ(kind_of(serialize_waveform_decoder(testing::small_waveform())), "waveform autoencoder name");
  EXPECT_EQ(kind_of({testing::wav_bytes({{1, 0.5f}}, 48000), {}}), "response name");
}

TEST(LiveSource, RefusesWhatRingsForEver) {
  DelayNetworkWeights w = testing::network_of({1}, {100});
  w.lossless = true;
  const SerializedWeights file = serialize_weights(w);
  ASSERT_EQ(file.error, "");
  EXPECT_NE(load_source(file.bytes, "loop").error.find("ring for ever"), std::string::npos);
}

TEST(LiveSource, RefusesANetworkOfMoreChannelsThanAreHeard) {
  const auto error_of = [](int inputs, int outputs) {
    const LoadResult made = make_model(testing::random_network({8, inputs, outputs, 1, 1, 300, 100, 900}, 1));
    EXPECT_EQ(made.error, "");
    return make_network_source(made.model, "network").error;
  };
  EXPECT_EQ(error_of(2, 2), "");
  EXPECT_EQ(error_of(4, 4), "4 inputs and 4 outputs, expected at most 2 of each in a network that is played live");
  EXPECT_NE(error_of(2, 3), "");
  EXPECT_NE(error_of(3, 1), "");
}

TEST(LiveSource, RefusesWhatIsNoFileOfItsKinds) {
  for (const char* text : {"", "RIFF", "hello", "{}", "RIFFxxxxWAVE"}) {
    const std::string file(text);
    const SourceResult loaded = load_source({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "x");
    EXPECT_FALSE(loaded) << text;
    EXPECT_FALSE(loaded.error.empty()) << text;
  }
  EXPECT_EQ(load_source(std::filesystem::path("/no/such/file.wav")).error, "no such file");
}

TEST(LiveSource, PlaysTrueStereoFromEachSideToEach) {
  const Sound paths = testing::decaying(4, 700, 3);  // LL, LR, RL, RR
  const SourceResult loaded = load_source(testing::wav_bytes(paths, 48000), "quad");
  ASSERT_EQ(loaded.error, "");
  const VoiceResult made = loaded.source->make_voice({});
  ASSERT_EQ(made.error, "");
  for (std::size_t input = 0; input < 2; ++input) {
    made.voice->reset();
    const Sound out = impulse_response(*made.voice, input, 700);
    EXPECT_LE(testing::largest_difference(out, {paths[2 * input], paths[2 * input + 1]}), 1e-6) << input;
  }
}

TEST(LiveSource, OfAnAutoencoderDecaysAsAskedAndBeginsAsLoud) {
  const auto source =
      make_envelope_source(std::make_shared<EnvelopeDecoderWeights>(made_envelope_weights()), "").source;
  // Level in dB of the response from a time on, for 0.2 s; times as many as the decay times.
  const auto level = [&](double decay, double seconds) {
    Setting setting;
    setting.rate_hz = 16000;
    setting.point = {4.5, 4.5, 4.5};
    setting.variation.decay = decay;
    const VoiceResult made = source->make_voice(setting);
    EXPECT_EQ(made.error, "");
    const Sound response = impulse_response(*made.voice, 0, 48000);
    const auto from = static_cast<std::size_t>(seconds * decay * 16000);
    return 20 * std::log10(testing::rms(response[0], from, from + static_cast<std::size_t>(0.2 * decay * 16000)));
  };
  const double begin = level(1, 0.2);
  EXPECT_LT(level(1, 0.8), begin - 6);
  for (const double decay : {0.5, 2.0}) {
    EXPECT_NEAR(level(decay, 0.2), begin, 1.5) << decay;
    EXPECT_NEAR(level(decay, 0.8), level(1, 0.8), 1.5) << decay;
  }
}

TEST(LiveSource, OfABankIsMonoAtWidthZeroAndTheBanksPairAtOne) {
  const ResponseBank bank = testing::small_bank(500);
  const auto source = make_bank_source(std::make_shared<ResponseBank>(bank), "").source;
  const auto pair_of = [&](double x, double width) {
    Setting setting;
    setting.rate_hz = 16000;
    setting.point = {x, 0, 0};
    setting.width = width;
    const VoiceResult made = source->make_voice(setting);
    EXPECT_EQ(made.error, "");
    Sound pair = impulse_response(*made.voice, 0, 500);
    made.voice->reset();
    pair[1] = impulse_response(*made.voice, 1, 500)[1];
    return pair;
  };
  const auto row = [&](int i, int channel) {
    const auto r = bank.response(i, 0, 0, channel);
    return std::vector<float>(r.begin(), r.end());
  };
  EXPECT_LE(testing::largest_difference(pair_of(0, 0), {row(0, 0), row(0, 0)}), 1e-6);
  EXPECT_LE(testing::largest_difference(pair_of(4.5, 1), {row(1, 0), row(1, 1)}), 1e-6);
  EXPECT_LE(testing::largest_difference(pair_of(4.5, -1), {row(1, 1), row(1, 0)}), 1e-6);
  const StereoResponse next = response_at(bank, {1 + 2 * 2 / 9.0, 0, 0});
  EXPECT_LE(testing::largest_difference(pair_of(4.5, 3), {row(1, 0), next.channels[1]}), 1e-6);
  const StereoResponse between = response_at(bank, {1.25, 0, 0});
  EXPECT_LE(testing::largest_difference(pair_of(9 * 1.25 / 2, 1), {between.channels[0], between.channels[1]}), 1e-6);
}

TEST(LiveWav, IsReadInEveryFormat) {
  const Sound sound{{0, 0.5f, -0.25f, 0.75f}, {-1, 0.125f, 0, -0.5f}};
  for (const auto& [code, bits] : {std::pair{1, 16}, {1, 24}, {1, 32}, {3, 32}}) {
    const WavSound read = read_wav(testing::wav_bytes(sound, 44100, code, bits));
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.sample_rate_hz, 44100);
    EXPECT_EQ(read.channels, sound) << bits;
  }
}

TEST(LiveWav, IsReadWithChunksOfAllKindsAndAsExtensible) {
  std::vector<std::uint8_t> file = testing::wav_bytes({{0.5f, -0.5f}}, 48000, 1, 16);
  const std::vector<std::uint8_t> odd{'L', 'I', 'S', 'T', 3, 0, 0, 0, 'a', 'b', 'c', 0};
  std::vector<std::uint8_t> with_list = file;
  with_list.insert(with_list.begin() + 36, odd.begin(), odd.end());
  EXPECT_EQ(read_wav(with_list).channels, (Sound{{0.5f, -0.5f}}));
  std::vector<std::uint8_t> extensible = file;
  extensible[20] = 0xFE, extensible[21] = 0xFF, extensible[16] = 40;
  std::vector<std::uint8_t> extension(24, 0);
  extension[0] = 22, extension[2] = 16, extension[8] = 1;
  extensible.insert(extensible.begin() + 36, extension.begin(), extension.end());
  const WavSound read = read_wav(extensible);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.channels, (Sound{{0.5f, -0.5f}}));
}

TEST(LiveWav, IsRefusedWhereverItIsCutOrDamaged) {
  const std::vector<std::uint8_t> file = testing::wav_bytes(testing::decaying(2, 8, 1), 48000);
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(read_wav(std::span(file).first(length)).error, "") << length;
  const auto error_of = [&](std::size_t at, std::uint8_t value) {
    std::vector<std::uint8_t> damaged = file;
    damaged[at] = value;
    return read_wav(damaged).error;
  };
  EXPECT_NE(error_of(20, 2).find("format 2"), std::string::npos);
  EXPECT_NE(error_of(22, 0).find("0 channels"), std::string::npos);
  EXPECT_NE(error_of(32, 7).find("a frame has 7"), std::string::npos);
  EXPECT_NE(error_of(40, 0).find("holds no samples"), std::string::npos);
  EXPECT_NE(error_of(47, 0x7F).find("is not a number"), std::string::npos);
  EXPECT_NE(load_source(testing::wav_bytes({{1}, {1}, {1}}, 48000), "").error.find("3 channels"), std::string::npos);
}

TEST(LiveReverbChannels, AreMappedBetweenAnyVoiceAndHost) {
  const auto heard = [](int voice_inputs, int voice_outputs, int inputs, int outputs) {
    const auto source = std::make_shared<testing::MadeSource>([=](const Setting&) {
      return VoiceResult{std::make_unique<testing::SimpleVoice>([](float x) { return x; }, voice_inputs, voice_outputs),
                         {}};
    });
    const auto reverb = testing::ready(source, 48000, inputs, outputs);
    const Sound out = testing::play(*reverb, {{1, 1}, {3, 3}}, {2}, {}, outputs);
    return std::pair(out.front()[0], out.back()[0]);
  };
  EXPECT_EQ(heard(2, 2, 2, 2), std::pair(1.0f, 3.0f));
  EXPECT_EQ(heard(1, 1, 2, 2), std::pair(2.0f, 2.0f));  // the mean, on both sides
  EXPECT_EQ(heard(1, 2, 2, 2), std::pair(2.0f, 2.0f));
  EXPECT_EQ(heard(2, 2, 1, 2), std::pair(1.0f, 1.0f));
  EXPECT_EQ(heard(2, 2, 2, 1), std::pair(2.0f, 2.0f));
  EXPECT_EQ(heard(1, 1, 1, 1), std::pair(1.0f, 1.0f));
  EXPECT_EQ(heard(4, 4, 2, 2), std::pair(1.0f, 3.0f));  // the others hear the same again and are not heard
  EXPECT_EQ(heard(2, 1, 2, 2), std::pair(1.0f, 1.0f));
}

}  // namespace
}  // namespace diffverb::runtime
