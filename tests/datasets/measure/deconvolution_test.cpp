#include "datasets/measure/deconvolution.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/error.h"
#include "datasets/measure/diffuse_arrival.h"
#include "datasets/measure/quality.h"
#include "datasets/pair_relation.h"
#include "tests/datasets/measure/simulated_recording.h"
#include "tests/datasets/measure/sweep_command.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "tests/shared_data.h"
#include "train/cli.h"

namespace diffverb {
namespace {

at::Tensor short_room() {
  NoiseRoom room;
  room.seconds = 0.4;
  room.t60_s = 0.3;
  room.floor_db = -200;
  return room.tensor()[0];
}

std::vector<acoustics::BandResult> octaves(const at::Tensor& response, double rate_hz) {
  const auto values = response.contiguous();
  return acoustics::analyze_channel({values.const_data_ptr<double>(), static_cast<std::size_t>(values.size(0))},
                                    rate_hz)
      .octaves;
}

TEST(Deconvolution, FindsTheResponseOfEveryKindOfSweep) {
  for (const char* type : {"ess", "tsp", "mls"}) {
    const Sweep sweep = short_sweep(type);
    SimulatedRecording room{short_room()};
    EXPECT_LT(
        response_error_db(measure(sound_of(room.of(sweep), 16000), sweep).channels[0].response, room.response, sweep),
        -60)
        << type;
    room.snr_db = 40;
    EXPECT_LT(
        response_error_db(measure(sound_of(room.of(sweep), 16000), sweep).channels[0].response, room.response, sweep),
        -35)
        << type;
  }
}

TEST(Deconvolution, KeepsDecayAndClarityAtFortyDecibels) {
  Sweep sweep;  // the default: 10 s, 20 Hz to 20 kHz
  NoiseRoom noise;
  noise.rate_hz = 48000;
  noise.seconds = 1.5;
  noise.t60_s = 1;
  noise.floor_db = -200;
  SimulatedRecording room{noise.tensor()[0]};
  room.snr_db = 40;
  const auto response = measure(sound_of(room.of(sweep), 48000), sweep).channels[0].response;
  EXPECT_LT(response_error_db(response, room.response, sweep), -35);
  const auto found = octaves(response, 48000), truth = octaves(room.response, 48000);
  ASSERT_EQ(found.size(), truth.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    if (found[k].hz < 250 || found[k].hz > 4000) continue;
    ASSERT_TRUE(found[k].t30_s && truth[k].t30_s) << found[k].hz;
    EXPECT_NEAR(*found[k].t30_s / *truth[k].t30_s, 1, 0.01) << found[k].hz;
    EXPECT_NEAR(*found[k].c80_db, *truth[k].c80_db, 0.2) << found[k].hz;
  }
}

TEST(Deconvolution, SeparatesDistortionFromTheLinearResponse) {
  Sweep sweep = short_sweep();
  sweep.seconds = 6;
  SimulatedRecording room{short_room()};
  const auto clean = measure(sound_of(room.of(sweep), 16000), sweep).channels[0];
  for (const auto& point : clean.harmonics->thd) {
    if (point.hz >= 100) {
      EXPECT_LT(point.thd_pct, 0.1) << point.hz;
    }
  }
  room.cubic = 0.01;
  const auto distorted = measure(sound_of(room.of(sweep), 16000), sweep).channels[0];
  EXPECT_LT(response_error_db(distorted.response, clean.response, sweep), -50);
  for (const auto& point : distorted.harmonics->thd) {
    if (point.hz < 200 || point.hz > 1600) continue;
    // H(3 f) / H(f) is the room's: the mean over thirds is what can be told.
    EXPECT_NEAR(point.thd_pct, 1, 0.6) << point.hz;
  }
  // The third harmonic is the room's response again: it starts as that does.
  EXPECT_GT(distorted.harmonics->responses[1].square().sum().item<double>(),
            1000 * distorted.harmonics->responses[0].square().sum().item<double>());
}

TEST(ClockDrift, IsFoundWithinOnePpmAndTakenOut) {
  for (const char* from : {"pilots", "repetitions", "loopback", "not identifiable"}) {
    Sweep sweep = short_sweep();
    sweep.seconds = 6;
    sweep.pilots = std::string(from) == "pilots";
    sweep.repeat = std::string(from) == "repetitions" ? 2 : 1;
    SimulatedRecording room{short_room()};
    room.snr_db = 40;
    room.drift_ppm = 20;
    Audio recording = sound_of(room.of(sweep), 16000);
    RecordingOptions options;
    if (std::string(from) == "loopback") {
      room.response = at::ones({1}, at::kDouble);
      recording.channels.push_back(sound_of(room.of(sweep), 16000).channels[0]);
      recording.channels[0].resize(std::min(recording.channels[0].size(), recording.channels[1].size()));
      recording.channels[1].resize(recording.channels[0].size());
      options.loopback = 2;
    }
    const Measurement found = measure(recording, sweep, options);
    EXPECT_EQ(found.drift.from, from);
    if (std::string(from) == "not identifiable") {
      EXPECT_FALSE(found.drift.ppm);
      continue;
    }
    ASSERT_TRUE(found.drift.ppm) << from;
    EXPECT_NEAR(*found.drift.ppm, 20, 1) << from;
    EXPECT_LT(response_error_db(found.channels[0].response, short_room(), sweep), -30) << from;
  }
}

TEST(ClockDrift, TakesALongSequenceApartAndIsFoundFromItsPilots) {
  Sweep sweep = short_sweep("mls");
  sweep.seconds = 16;
  SimulatedRecording room{short_room()};
  room.snr_db = 60;
  room.drift_ppm = 40;
  const Measurement found = measure(sound_of(room.of(sweep), 16000), sweep);
  ASSERT_TRUE(found.drift.ppm);
  EXPECT_NEAR(*found.drift.ppm, 40, 1);
  EXPECT_LT(response_error_db(found.channels[0].response, room.response, sweep), -40);
}

TEST(ClockDrift, DoesNotPutASequenceAPeriodOff) {
  // What two of its periods share drifts half as far as the whole does, and stands out more.
  Sweep sweep = short_sweep("mls");
  sweep.seconds = 8;
  for (const double ppm : {10.0, 20.0, 40.0, 80.0, -60.0}) {
    SimulatedRecording room{short_room()};
    room.snr_db = 60;
    room.drift_ppm = ppm;
    const auto recording = prepare_recording(recorded_in(sound_of(room.of(sweep), 16000)), "rec.wav", sweep, {});
    EXPECT_NEAR(static_cast<double>(recording.delay_samples), static_cast<double>(room.delay), 16) << ppm;
    ASSERT_TRUE(recording.drift.ppm) << ppm;
    EXPECT_NEAR(*recording.drift.ppm, ppm, 1) << ppm;
  }
}

TEST(Deconvolution, LeavesOutWhatDisturbsOneOfThreeRepetitions) {
  Sweep sweep = short_sweep();
  sweep.repeat = 3;
  SimulatedRecording room{short_room()};
  room.snr_db = 50;
  const SweepLayout layout(sweep);
  room.click_at = room.delay + layout.first + layout.spacing + 16000;  // a second into the second one
  const Measurement found = measure(sound_of(room.of(sweep), 16000), sweep);
  EXPECT_LT(response_error_db(found.channels[0].response, room.response, sweep), -40);
  const auto& left = found.channels[0].repetitions.left_out;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].repetition, 1);
  EXPECT_NEAR(left[0].from_s, 1, 0.1);
  EXPECT_TRUE(judge(found, sweep).reasons.empty());
  sweep.repeat = 1;
  room.click_at = room.delay + layout.first + 16000;
  EXPECT_GT(
      response_error_db(measure(sound_of(room.of(sweep), 16000), sweep).channels[0].response, room.response, sweep),
      -40);  // nothing to compare with: disturbances_test.cpp
}

TEST(MeasurementQuality, SaysThatOneRepetitionWasLouder) {
  Sweep sweep = short_sweep();
  sweep.repeat = 3;
  SimulatedRecording room{short_room()};
  room.snr_db = 50;
  auto heard = room.of(sweep);
  const SweepLayout layout(sweep);
  const auto second = room.delay + layout.first + layout.spacing;
  heard.slice(0, second - 2000, second + layout.spacing - 2000).mul_(std::pow(10.0, 0.05));
  // The first and the last pilot know nothing of it, and the response is made of the other two.
  const auto reasons = judge(measure(sound_of(heard, 16000), sweep), sweep).reasons;
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_NE(reasons[0].find("the level differs by 1.0 dB between repetitions"), std::string::npos) << reasons[0];
}

TEST(MeasurementQuality, SaysWhetherToMeasureAgain) {
  const Sweep sweep = short_sweep();
  SimulatedRecording room{short_room()};
  room.snr_db = 50;
  auto found = measure(sound_of(room.of(sweep), 16000), sweep);
  EXPECT_TRUE(judge(found, sweep).reasons.empty()) << judge(found, sweep).reasons[0];
  ASSERT_FALSE(found.channels[0].snr.empty());
  room.jump_from_s = 2.5;
  found = measure(sound_of(room.of(sweep), 16000), sweep);
  ASSERT_FALSE(judge(found, sweep).reasons.empty());
  EXPECT_NE(judge(found, sweep).reasons[0].find("level changed by 1.0 dB"), std::string::npos);
  room.jump_from_s = -1;
  room.snr_db = 0;
  found = measure(sound_of(room.of(sweep), 16000), sweep);
  ASSERT_FALSE(judge(found, sweep).reasons.empty());
  EXPECT_NE(judge(found, sweep).reasons[0].find("T20 needs 35"), std::string::npos) << judge(found, sweep).reasons[0];
}

TEST(SweepRecording, RefusesWhatIsNoRecordingOfTheSweep) {
  const Sweep sweep = short_sweep();
  SimulatedRecording room{short_room()};
  room.snr_db = 40;
  const Audio good = sound_of(room.of(sweep), 16000);
  const auto refusal = [&](const Audio& audio, const RecordingOptions& options = {}) {
    return message_of<DataError>([&] { prepare_recording(recorded_in(audio), "rec.wav", sweep, options); });
  };
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.rfind("rec.wav: ", 0), 0u) << message;
  };
  Sweep other = sweep;
  other.seconds = 1.2;
  expect(refusal(sound_of(room.of(other), 16000)), "this sweep is not in it");
  Audio audio = good;
  audio.channels[0].resize(20000);
  expect(refusal(audio), "1.25 s long");
  audio = good;
  std::fill(audio.channels[0].begin(), audio.channels[0].end(), 0.0f);
  expect(refusal(audio), "channel 1 is silent");
  audio = good;
  for (float& x : audio.channels[0]) x = std::clamp(10 * x, -1.0f, 1.0f);
  expect(refusal(audio), "channel 1 is clipped from ");
  other = short_sweep("mls");
  expect(refusal(sound_of(room.of(other), 16000)), "this sweep is not in it");
  audio = sound_of(0.1 * noise_of(static_cast<std::int64_t>(good.frames()), 3), 16000);
  expect(refusal(audio), "nothing but noise");
  RecordingOptions options;
  options.loopback = 2;
  expect(refusal(good, options), "has 1 channel, expected loopback 2");
  audio = good;
  audio.rate_hz = 22050;
  expect(refusal(audio), "22050 Hz, expected the sweep's 16000 Hz");
  audio = good;
  audio.channels[0].erase(audio.channels[0].begin(), audio.channels[0].begin() + 40000);
  expect(refusal(audio), "after the sweep does");
}

/// Noise that decays over 3 s, rises within 20 ms and has no direct sound.
at::Tensor plate() {
  NoiseRoom room;
  room.seconds = 2;
  room.t60_s = 3;
  room.floor_db = -200;
  const auto noise = room.tensor()[0];
  return noise * (at::arange(noise.size(0), at::kDouble) / (0.02 * room.rate_hz)).clamp_max(1);
}

TEST(SweepRecording, HearsADiffuseSpaceInNoise) {
  for (const char* type : {"ess", "tsp"}) {
    Sweep sweep = short_sweep(type);
    sweep.seconds = 6;
    sweep.gap_s = 2;
    SimulatedRecording room{plate()};
    room.snr_db = 10;
    const auto faint = room.of(sweep);
    if (sweep.type == "ess") {  // a tsp is as loud at all frequencies: it stands out of white noise by a single lag
      EXPECT_FALSE(find_arrival(sweep.sound().unsqueeze(0), faint.unsqueeze(0), 16000).arrives());
    }
    const auto recording = prepare_recording(recorded_in(sound_of(faint, 16000)), "rec.wav", sweep, {});
    EXPECT_NEAR(static_cast<double>(recording.delay_samples), static_cast<double>(room.delay), 0.02 * 16000) << type;
    room.snr_db = 20;
    const Audio heard = sound_of(room.of(sweep), 16000);
    EXPECT_LT(response_error_db(measure(heard, sweep).channels[0].response, room.response, sweep), -15) << type;
    Sweep other = sweep;
    other.seconds = 4;
    EXPECT_THROW(prepare_recording(recorded_in(heard), "rec.wav", other, {}), DataError) << type;
  }
}

TEST(SweepRecording, DoesNotTakeAClickForTheEndOfTheSweep) {
  Sweep sweep = short_sweep();
  sweep.seconds = 6;
  sweep.gap_s = 2;
  const SweepLayout layout(sweep);
  const auto spectrum = at::fft_rfft(plate());
  const auto khz = at::arange(spectrum.size(0), at::kDouble) * (8.0 / static_cast<double>(spectrum.size(0) - 1));
  SimulatedRecording room{
      at::fft_irfft(spectrum / (1 + khz.pow(4)), 2 * (spectrum.size(0) - 1))};  // dull, as plates are
  room.snr_db = 60;
  room.click_at = room.delay + layout.first + layout.period / 2;
  const auto heard = room.of(sweep);
  // Above 7 kHz there is nothing but the click and what the sweep's end spreads: these two fit each other.
  const Arrival misled = find_arrival(sweep.sound().unsqueeze(0), heard.unsqueeze(0), 16000);
  EXPECT_TRUE(misled.arrives());
  EXPECT_NEAR(static_cast<double>(misled.delay_samples), static_cast<double>(room.delay - layout.period / 2), 800);
  const auto recording = prepare_recording(recorded_in(sound_of(heard, 16000)), "rec.wav", sweep, {});
  EXPECT_NEAR(static_cast<double>(recording.delay_samples), static_cast<double>(room.delay), 0.02 * 16000);
}

TEST(DiffuseArrival, NeedsAllOctavesAtOnce) {
  Sweep sweep = short_sweep();
  sweep.seconds = 6;
  sweep.gap_s = 2;
  SimulatedRecording room{plate()};
  room.snr_db = 20;
  const auto heard = room.of(sweep);
  const auto delay = find_diffuse_arrival(heard, sweep);
  ASSERT_TRUE(delay);
  EXPECT_LE(*delay, room.delay);
  EXPECT_GE(*delay, room.delay - 0.02 * 16000);
  sweep.repeat = 3;
  const auto again = find_diffuse_arrival(room.of(sweep), sweep);
  ASSERT_TRUE(again);
  EXPECT_NEAR(static_cast<double>(*again), static_cast<double>(room.delay), 0.02 * 16000);
  Sweep other = sweep;
  other.seconds = 5;
  EXPECT_FALSE(find_diffuse_arrival(heard, other));
  other = sweep;
  other.type = "tsp";
  EXPECT_FALSE(find_diffuse_arrival(heard, other));
  EXPECT_FALSE(find_diffuse_arrival(noise_of(200000, 5), sweep));
  EXPECT_FALSE(find_diffuse_arrival(heard, short_sweep("mls")));
}

TEST(DeconvolveCommand, WritesTheResponseAndTheReportOrNothing) {
  const Scratch scratch;
  const auto path = [&](const std::string& name) { return (scratch / name).string(); };
  const Sweep sweep = write_short_sweep(scratch);
  SimulatedRecording room{short_room()};
  room.snr_db = 50;
  write_audio(scratch / "rec.wav", sound_of(room.of(sweep), 16000));
  testing::internal::CaptureStdout();
  ASSERT_EQ(run_command_line({"data", "deconvolve", path("rec.wav"), "--sweep", path("sweep.json"), "--out",
                              path("ir.wav"), "--harmonics", "--json"}),
            0);
  const auto report = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(report.at("verdict"), "good");
  EXPECT_NEAR(report.at("drift").at("ppm").get<double>(), 0, 1);
  EXPECT_TRUE(report.at("flight_s").is_null());
  const auto response = channels_of(read_audio(scratch / "ir.wav"))[0];
  EXPECT_LT(response_error_db(response, room.response, sweep), -35);
  EXPECT_TRUE(std::filesystem::exists(scratch / "ir.h2.wav"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "ir.h3.wav"));
  write_audio(scratch / "noise.wav", sound_of(0.1 * noise_of(100000, 4), 16000));
  EXPECT_THROW(run_command_line(
                   {"data", "deconvolve", path("noise.wav"), "--sweep", path("sweep.json"), "--out", path("none.wav")}),
               DataError);
  EXPECT_FALSE(std::filesystem::exists(scratch / "none.wav"));
}

TEST(Deconvolution, FindsAMeasuredRoomAgain) {
  const auto file = shared_responses() / "otala_listening_room/mic1_speaker1.wav";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  const Audio audio = read_audio(file);
  Sweep sweep;
  sweep.rate_hz = audio.rate_hz;
  sweep.seconds = 5;
  SimulatedRecording room{channels_of(audio)[0]};
  room.snr_db = 60;
  sweep.gap_s = std::ceil(static_cast<double>(audio.frames()) / audio.rate_hz);
  const auto response = measure(sound_of(room.of(sweep), sweep.rate_hz), sweep).channels[0].response;
  EXPECT_LT(response_error_db(response, room.response, sweep), -40);
}

}  // namespace
}  // namespace diffverb
