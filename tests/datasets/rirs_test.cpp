#include <ATen/ops/equal.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/acoustics/decay.h"
#include "core/acoustics/filters.h"
#include "core/error.h"
#include "core/hdf5_file.h"
#include "datasets/augmentation.h"
#include "tests/datasets/stores.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

std::string yaml_for(const std::filesystem::path& path, const std::string& more = "seconds: 0.5") {
  return "type: rirs\nfiles: ['" + path.string() + "']\n" + more + "\n";
}

std::unique_ptr<Dataset> opened(const std::string& yaml) {
  auto dataset = dataset_of(yaml);
  dataset->open();
  return dataset;
}

double rms(const at::Tensor& x) { return std::sqrt(x.square().mean().item<double>()); }

TEST(Rirs, GivesResponsesWithTheOnsetInPlaceAndUnitEnergy) {
  const Scratch scratch;
  const auto set = opened(yaml_for(make_store(scratch / "a.h5", 2, 3)));
  EXPECT_EQ(set->sample_rate_hz(), 16000);
  EXPECT_EQ(set->samples(), 8000);
  EXPECT_EQ(set->size(Split::kTrain), 6);
  EXPECT_EQ(set->size(Split::kTest), 0);
  const at::Tensor x = set->example(Split::kTrain, 4, 0);
  ASSERT_EQ(x.sizes(), (std::vector<std::int64_t>{1, 8000}));
  EXPECT_NEAR(x.square().sum().item<double>(), 1, 1e-5);
  EXPECT_EQ(x.slice(1, 0, 64).abs().max().item<float>(), 0);
  // The response itself, scaled: sample 64 is the direct sound.
  const std::vector<float> room = noise_room(5);
  const double scale = x[0][64].item<double>() / room[100];
  for (int n = 0; n < 7000; n += 100) EXPECT_NEAR(x[0][64 + n].item<double>(), scale * room[100 + n], 1e-6);
  EXPECT_EQ(set->describe(Split::kTrain, 4),
            (scratch / "a.h5").string() + ": 1/1.wav, channel 1, room room 1, licence unknown");
  EXPECT_EQ(set->licences(Split::kTrain), (std::map<std::string, std::int64_t>{{"unknown", 6}}));
}

TEST(Rirs, AShorterResponseIsFilledUpAndALongerOneCut) {
  const Scratch scratch;
  const auto path = make_store(scratch / "a.h5", 1, 1);
  const auto longer = opened(yaml_for(path, "samples: 20000"))->example(Split::kTrain, 0, 0);
  EXPECT_EQ(longer.slice(1, 64 + 12800).abs().max().item<float>(), 0);
  EXPECT_GT(longer.slice(1, 64 + 12700, 64 + 12800).abs().max().item<float>(), 0);
  EXPECT_EQ(opened(yaml_for(path, "samples: 100\nonset_samples: 0"))->example(Split::kTrain, 0, 0).size(1), 100);
}

TEST(Rirs, NormalisesAsAsked) {
  const Scratch scratch;
  const auto path = make_store(scratch / "a.h5", 1, 1);
  const auto peak = opened(yaml_for(path, "seconds: 0.5\nnormalise: peak"))->example(Split::kTrain, 0, 0);
  EXPECT_NEAR(peak.abs().max().item<double>(), 1, 1e-6);
  const auto none = opened(yaml_for(path, "seconds: 0.5\nnormalise: none"))->example(Split::kTrain, 0, 0);
  EXPECT_NEAR(none[0][64].item<double>(), 0.6, 1e-6);
}

TEST(Rirs, ResamplesAndIsTheSameWithAndWithoutCache) {
  const Scratch scratch;
  const auto path = make_store(scratch / "a.h5", 1, 2, "train", 48000);
  const std::string text = "seconds: 0.5\nsample_rate_hz: 16000\naugmentation: {decay: {probability: 1}}\ncache_mb: ";
  const auto cached = opened(yaml_for(path, text + "100")), plain = opened(yaml_for(path, text + "0"));
  EXPECT_EQ(cached->sample_rate_hz(), 16000);
  for (const std::uint64_t seed : {0, 3, 3}) {
    const auto a = cached->example(Split::kTrain, 1, seed);
    EXPECT_TRUE(at::equal(a, cached->example(Split::kTrain, 1, seed)));
    EXPECT_TRUE(at::equal(a, plain->example(Split::kTrain, 1, seed)));
  }
  EXPECT_FALSE(at::equal(plain->example(Split::kTrain, 1, 3), plain->example(Split::kTrain, 1, 4)));
}

TEST(Rirs, MixedRatesNeedATargetRate) {
  const Scratch scratch;
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
  writer.add(stored_response("a.wav", "a", 16000), noise_room(1));
  writer.add(stored_response("b.wav", "b", 48000), noise_room(2, 48000));
  writer.commit();
  const std::string path = (scratch / "a.h5").string();
  EXPECT_EQ(message_of<DataError>([&] { opened(yaml_for(path)); }),
            "the responses have several rates: 16000 Hz (" + path + ": a.wav, channel 1), 48000 Hz (" + path +
                ": b.wav, channel 1); set sample_rate_hz");
  EXPECT_EQ(opened(yaml_for(path, "seconds: 0.5\nsample_rate_hz: 16000"))->size(Split::kTrain), 2);
}

TEST(Rirs, TakesOnlyTheLicencesAndOriginsAskedFor) {
  const Scratch scratch;
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
  for (const char* licence : {"CC-BY-4.0", "CC-BY-NC-4.0", "MIT"}) {
    StoredResponse r = stored_response(std::string(licence) + ".wav", licence);
    r.licence = licence;
    r.origin = r.licence == "MIT" ? "simulated" : "measured";
    writer.add(r, noise_room(3));
  }
  writer.commit();
  const auto size = [&](const std::string& more) {
    return opened(yaml_for(scratch / "a.h5", "seconds: 0.5\n" + more))->size(Split::kTrain);
  };
  EXPECT_EQ(size("licences: [mit, CC-BY-4*]"), 2);
  EXPECT_EQ(size("licences: ['*']"), 3);
  EXPECT_EQ(size("origins: [simulated]"), 1);
  EXPECT_NE(message_of<DataError>([&] { size("licences: [GPL]"); }).find("no response is left of 3"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] { size("origins: [real]"); }).find("'real', expected measured or simulated"),
            std::string::npos);
}

TEST(Rirs, ARoomInTwoPartsIsRefused) {
  const Scratch scratch;
  const auto a = make_store(scratch / "a.h5", 2, 1, "train"), b = make_store(scratch / "b.h5", 1, 1, "test");
  const std::string message = message_of<DataError>(
      [&] { opened("type: rirs\nfiles: ['" + a.string() + "', '" + b.string() + "']\nseconds: 0.5\n"); });
  EXPECT_EQ(message, "room 'room 0' is in two parts: train in " + a.string() + ", test in " + b.string() +
                         "; diffverb data split sorts rooms");
}

TEST(Rirs, NamesTheSampleThatIsNoNumberTheSilentResponseAndTheShortOne) {
  const Scratch scratch;
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
  writer.add(stored_response("a.wav", "a"), noise_room(1));
  writer.add(stored_response("silent.wav", "a"), std::vector<float>(8000));
  std::vector<float> late(8000);
  std::fill(late.end() - 20, late.end(), 0.5f);
  writer.add(stored_response("short.wav", "a"), late);
  writer.commit();
  {  // the writer refuses it; a damaged disk does not
    const std::uint64_t offset = Hdf5File::open(scratch / "a.h5").raw_offset<float>("samples");
    const int fd = ::open((scratch / "a.h5").c_str(), O_WRONLY);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    ASSERT_EQ(::pwrite(fd, &nan, sizeof nan, static_cast<off_t>(offset + 4 * 1234)), 4);
    ::close(fd);
  }
  const auto set = opened(yaml_for(scratch / "a.h5"));
  const std::string path = (scratch / "a.h5").string();
  EXPECT_EQ(message_of<DataError>([&] { set->example(Split::kTrain, 0, 0); }),
            path + ": a.wav, channel 1: sample 1234 is not a number");
  EXPECT_EQ(message_of<DataError>([&] { set->example(Split::kTrain, 1, 0); }),
            path + ": silent.wav, channel 1: silent");
  EXPECT_NE(message_of<DataError>([&] { set->example(Split::kTrain, 2, 0); }).find("too short to be a room"),
            std::string::npos);
}

TEST(Rirs, RefusesWhatItsLengthAloneMakesTooShortWhenItIsOpened) {
  const Scratch scratch;
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
  writer.add(stored_response("good.wav", "a"), noise_room(1));
  writer.add(stored_response("enough.wav", "b"), std::vector<float>(160, 0.5f));  // 10 ms
  writer.add(stored_response("short.wav", "c"), std::vector<float>(159, 0.5f));
  StoredResponse test = stored_response("shorter.wav", "d", 48000);
  test.split = "test";
  writer.add(test, std::vector<float>(400, 0.5f));
  writer.commit();
  const std::string path = (scratch / "a.h5").string();
  EXPECT_EQ(message_of<DataError>([&] { opened(yaml_for(path, "seconds: 0.5\nsample_rate_hz: 16000")); }),
            path +
                ": short.wav, channel 1: 159 samples at 16000 Hz; too short to be a room (expected 0.01 s), and "
                "1 more; diffverb data check " +
                path + " finds all of them");
}

TEST(Rirs, RefusesConfigsThatCannotBe) {
  const auto refused = [](const std::string& more) {
    return message_of<ConfigError>([&] { dataset_of("type: rirs\nfiles: [a.h5]\n" + more + "\n"); });
  };
  EXPECT_NE(refused("").find("either seconds or samples"), std::string::npos);
  EXPECT_NE(refused("seconds: 1\nsamples: 100").find("either seconds or samples"), std::string::npos);
  EXPECT_NE(refused("seconds: 1\naugmentation: {speed: {range: [1.2, 0.8]}}").find("augmentation.speed.range"),
            std::string::npos);
  EXPECT_NE(refused("seconds: 1\naugmentation: {gian: {}}").find("did you mean 'gain'"), std::string::npos);
  EXPECT_NE(refused("seconds: 1\nnormalise: loud").find("normalise"), std::string::npos);
}

TEST(Rirs, GainComesAfterNormalising) {
  const Scratch scratch;
  const auto path = make_store(scratch / "a.h5", 1, 1);
  const auto set = opened(yaml_for(path, "seconds: 0.5\naugmentation: {gain: {probability: 1, range_db: [-20, -20]}}"));
  EXPECT_NEAR(set->example(Split::kTrain, 0, 9).square().sum().item<double>(), 0.01, 1e-5);
  EXPECT_NEAR(set->example(Split::kTrain, 0, 0).square().sum().item<double>(), 1, 1e-5);
}

TEST(Rirs, CropBeginsLaterAndSpeedKeepsTheOnsetInPlace) {
  const Scratch scratch;
  const auto path = make_store(scratch / "a.h5", 1, 1);
  const auto crop = opened(yaml_for(path, "seconds: 0.3\naugmentation: {crop: {probability: 1, most_s: 0.1}}"));
  const auto plain = crop->example(Split::kTrain, 0, 0), cropped = crop->example(Split::kTrain, 0, 5);
  bool found = false;  // the same samples at some later place, but for the level
  for (int shift = 65; shift < 1600 && !found; ++shift) {
    const auto a = plain.slice(1, shift, shift + 2000), b = cropped.slice(1, 0, 2000);
    found = (a / rms(a) - b / rms(b)).abs().max().item<double>() < 1e-3;
  }
  EXPECT_TRUE(found);
  const auto speed =
      opened(yaml_for(path, "seconds: 0.5\naugmentation: {speed: {probability: 1, range: [0.8, 1.25]}}"));
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const auto x = speed->example(Split::kTrain, 0, seed)[0];
    EXPECT_NEAR(x.abs().argmax().item<std::int64_t>(), 64, 1);
    EXPECT_GT(x.slice(0, 7900).abs().max().item<double>(), 0);
  }
}

double t20_of(const std::vector<float>& x, std::size_t onset, double rate_hz) {
  const std::vector<double> samples(x.begin() + static_cast<std::ptrdiff_t>(onset), x.end());
  return acoustics::t20_s(acoustics::measure_decay(samples, rate_hz, 0)).value_or(0);
}

TEST(Augmentation, StretchesTheDecayByTheFactor) {
  const std::vector<float> room = noise_room(7, 16000, 0.5, 1.5);
  const ResponseDecay decay = measure_response_decay({room.data() + 100, room.size() - 100}, 16000);
  EXPECT_NEAR(decay.t60_s, 0.5, 0.04);
  // 5 %: T20 of one realisation of noise, read from another stretch of it.
  for (const double factor : {0.6, 0.9, 1.3, 1.6}) {
    std::vector<float> changed = room;
    stretch_decay(changed, 100, 16000, decay, factor);
    EXPECT_NEAR(t20_of(changed, 100, 16000) / t20_of(room, 100, 16000), factor, 0.05 * factor) << factor;
    EXPECT_EQ(changed[100], room[100]);
  }
}

TEST(Augmentation, ALongerDecayDoesNotEndInRisingNoise) {
  NoiseRoom noisy;
  noisy.floor_db = -35;
  noisy.t60_s = 0.4;
  noisy.seconds = 2;
  const std::vector<double> samples = noisy.channel(0);
  std::vector<float> room(samples.begin(), samples.end());
  const ResponseDecay decay = measure_response_decay(room, 16000);
  ASSERT_GT(decay.t60_s, 0);
  stretch_decay(room, 0, 16000, decay, 1.8);
  double last = 1e9;
  for (std::size_t begin = 0; begin + 3200 <= room.size(); begin += 3200) {
    double energy = 0;
    for (std::size_t n = 0; n < 3200; ++n) energy += room[begin + n] * room[begin + n];
    EXPECT_LT(energy, 0.9 * last) << begin;
    last = energy;
  }
}

TEST(Augmentation, ChangesTheDecayOfABandByDecibelsASecond) {
  const std::vector<float> room = noise_room(11, 16000, 0.8, 1.6, 0);
  const ResponseDecay decay = measure_response_decay(room, 16000);
  std::array<double, 7> change{};
  std::vector<float> same = room;
  change_band_decay(same, 0, 16000, decay, change);
  for (std::size_t n = 0; n < room.size(); n += 50) EXPECT_NEAR(same[n], room[n], 1e-6);
  change = {0, 0, 0, -30, 0, 0, 0};
  std::vector<float> changed = room;
  change_band_decay(changed, 0, 16000, decay, change);
  const auto band_t = [](const std::vector<float>& x, double hz) {
    const acoustics::Band band{hz, hz / std::sqrt(2.0), hz * std::sqrt(2.0), hz};
    const std::vector<double> samples(x.begin(), x.end());
    const auto filtered = acoustics::apply_filter(acoustics::band_filter(band, 16000), samples);
    return acoustics::t20_s(acoustics::measure_decay(filtered, 16000, hz)).value_or(0);
  };
  // 60 / T grows by 30 dB/s at the centre of the band, by about half of it at its edges.
  const double before = 60 / band_t(room, 1000), after = 60 / band_t(changed, 1000);
  EXPECT_GT(after - before, 15);
  EXPECT_LT(after - before, 31);
  EXPECT_NEAR(band_t(changed, 4000) / band_t(room, 4000), 1, 0.03);
  EXPECT_NEAR(band_t(changed, 250) / band_t(room, 250), 1, 0.06);
}

TEST(Augmentation, SwitchingOneOnLeavesTheOthersDraws) {
  const auto drawn = [](const std::string& yaml, std::uint64_t seed) {
    Fields fields = Fields::from_text(yaml);
    Augmentation augmentation;
    augmentation.read(fields.map("augmentation"));
    return augmentation.draw(seed);
  };
  const std::string gain = "augmentation: {gain: {probability: 0.5}";
  int changed = 0;
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    const auto one = drawn(gain + "}", seed), two = drawn(gain + ", decay: {probability: 1}}", seed);
    EXPECT_EQ(one.gain_db, two.gain_db);
    EXPECT_EQ(one.decay, 1);
    EXPECT_TRUE(two.decay >= 0.7 && two.decay <= 1.4);
    changed += one.gain_db != 0;
  }
  EXPECT_NEAR(changed, 100, 35);
}

}  // namespace
}  // namespace diffverb
