#include "datasets/measure/sweep.h"

#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/audio_file.h"
#include "core/error.h"
#include "datasets/measure/excitation.h"
#include "datasets/measure/inverse.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

TEST(MaximumLengthSequence, HasNSamplesAtLagZeroAndMinusOneElsewhere) {
  for (const int order : {2, 5, 8, 11, 12, 13, 14, 16, 17, 19}) {
    const auto x = maximum_length_sequence(order);
    const std::int64_t n = (std::int64_t{1} << order) - 1;
    ASSERT_EQ(x.size(0), n);
    const auto correlation = at::fft_irfft(at::fft_rfft(x).abs().square(), n);
    EXPECT_NEAR(correlation[0].item<double>(), static_cast<double>(n), 1e-4);
    EXPECT_NEAR(correlation.slice(0, 1).max().item<double>(), -1, 1e-4) << "order " << order;
    EXPECT_NEAR(correlation.slice(0, 1).min().item<double>(), -1, 1e-4) << "order " << order;
  }
}

TEST(ExponentialSweep, PassesEachFrequencyAtItsTime) {
  const double rate = 48000, low = 50, high = 12800;  // eight octaves
  const auto x = exponential_sweep(rate, 4, low, high, 0.01);
  const double length_s = static_cast<double>(x.size(0)) / rate;
  EXPECT_NEAR(length_s, 4, std::log(high / low) / (2 * low));
  for (int octave = 1; octave < 8; ++octave) {
    const auto centre = static_cast<std::int64_t>(length_s * octave / 8 * rate);
    const auto power = at::fft_rfft(x.slice(0, centre - 2048, centre + 2048)).abs();
    EXPECT_NEAR(power.argmax().item<double>() * rate / 4096 / (low * std::pow(2.0, octave)), 1, 0.12) << octave;
  }
}

TEST(TimeStretchedPulse, IsFlatWithinItsRangeAndEmptyBeyond) {
  const auto x = time_stretched_pulse(48000, 2, 100, 16000, 0.01);
  const auto level_db = 20 * at::fft_rfft(x).abs().log10();  // bins of 0.5 Hz
  const auto within = level_db.slice(0, 2 * 150, 2 * 14000);
  EXPECT_LT(within.std().item<double>(), 0.5);
  EXPECT_LT(level_db.slice(0, 2 * 22000, 2 * 24000).mean().item<double>(), within.mean().item<double>() - 50);
  EXPECT_LE(x.abs().max().item<double>(), 1);
}

TEST(InverseFilter, MakesAPulseOfWhatWasPlayed) {
  for (const char* type : {"ess", "tsp"}) {
    Sweep sweep;
    sweep.type = type;
    sweep.seconds = 2;
    const auto x = sweep.excitation();
    const auto inverse = inverse_filter(x, sweep.rate_hz, sweep.low_hz, sweep.high_hz);
    const std::int64_t n = x.size(0), fft_size = 4 * n;
    const auto pulse = at::fft_irfft(at::fft_rfft(x, fft_size) * at::fft_rfft(inverse, fft_size), fft_size);
    EXPECT_EQ(pulse.argmax().item<std::int64_t>(), n) << type;
    const double peak = pulse[n].square().item<double>();
    // 50 ms beside the peak, what the band limit leaves is 60 dB down.
    EXPECT_LT(pulse.slice(0, n + 2400, 2 * n).square().max().item<double>(), 1e-6 * peak) << type;
  }
}

TEST(Sweep, PutsItsPartsWhereTheLayoutSays) {
  for (const char* type : {"ess", "tsp", "mls"}) {
    Sweep sweep;
    sweep.type = type;
    sweep.rate_hz = 16000;
    sweep.high_hz = 7000;
    sweep.seconds = 1;
    sweep.gap_s = 0.5;
    sweep.repeat = 3;
    const SweepLayout layout(sweep);
    const auto sound = sweep.sound(), once = sweep.excitation();
    ASSERT_EQ(sound.size(0), layout.samples);
    for (std::int64_t r = 0; r < 3; ++r) {
      const std::int64_t start = layout.first + r * layout.spacing;
      EXPECT_TRUE(sound.slice(0, start, start + layout.period).equal(once)) << type;
    }
    EXPECT_TRUE(sound.slice(0, layout.last_pilot, layout.last_pilot + layout.pilot).equal(sweep.pilot()));
    EXPECT_EQ(sound.slice(0, 0, layout.lead).abs().max().item<double>(), 0);
    EXPECT_EQ(sound.slice(0, layout.played, layout.last_pilot).abs().max().item<double>(), 0);
    EXPECT_LE(sound.abs().max().item<double>(), std::pow(10.0, -6.0 / 20) + 1e-12);
  }
}

TEST(Sweep, IsReadBackFromItsFileAndRefusesOthers) {
  const Scratch scratch;
  Sweep sweep;
  sweep.type = "tsp";
  sweep.seconds = 3;
  sweep.low_hz = 40;
  sweep.repeat = 4;
  sweep.pilots = false;
  write_text(scratch / "sweep.json", sweep_json(sweep));
  const Sweep again = read_sweep(scratch / "sweep.json");
  EXPECT_EQ(sweep_json(again), sweep_json(sweep));
  write_text(scratch / "other.json", "{\"type\": \"ess\"}");
  EXPECT_NE(message_of<DataError>([&] { read_sweep(scratch / "other.json"); }).find("not what diffverb data sweep"),
            std::string::npos);
  write_text(scratch / "broken.json", "{");
  const auto reason = [&](const char* file) { return message_of<DataError>([&] { read_sweep(scratch / file); }); };
  EXPECT_TRUE(reason("broken.json").ends_with(": not JSON")) << reason("broken.json");
  write_text(scratch / "short.json", "{\"format\": \"diffverb sweep 1\"}");
  EXPECT_TRUE(reason("short.json").ends_with(": key 'type' not found")) << reason("short.json");
  sweep.high_hz = 24000;
  EXPECT_NE(message_of<ConfigError>([&] { sweep.check(); }).find("high end of range_hz is 24000"), std::string::npos);
}

TEST(Sweep, IsWrittenByTheProgramWithSettingsAndInverse) {
  const Scratch scratch;
  const std::string out = (scratch / "sweep.wav").string();
  EXPECT_EQ(run_command_line({"data", "sweep", "--out", out, "--seconds", "1", "--range-hz", "50,7000", "--rate",
                              "16000", "--gap", "0.5", "--repeat", "2"}),
            0);
  const Sweep sweep = read_sweep(scratch / "sweep.json");
  EXPECT_EQ(sweep.repeat, 2);
  EXPECT_EQ(sweep.low_hz, 50);
  const Audio sound = read_audio(scratch / "sweep.wav");
  EXPECT_EQ(static_cast<std::int64_t>(sound.frames()), SweepLayout(sweep).samples);
  EXPECT_EQ(static_cast<std::int64_t>(read_audio(scratch / "sweep.inverse.wav").frames()),
            2 * SweepLayout(sweep).period);
  EXPECT_THROW(run_command_line({"data", "sweep", "--out", out}), ConfigError);  // it is there already
  EXPECT_THROW(run_command_line({"data", "sweep", "--out", (scratch / "b.wav").string(), "--range-hz", "20"}),
               ConfigError);
  EXPECT_FALSE(std::filesystem::exists(scratch / "b.wav"));
}

}  // namespace
}  // namespace diffverb
