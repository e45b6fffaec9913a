// The network of the wave equation against closed forms, a digital waveguide and finite differences; diffverb field.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "models/sine_field.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/program.h"
#include "tests/scratch.h"
#include "tests/train/field_oracles.h"
#include "train/cli.h"
#include "train/field/field_config.h"
#include "train/field/field_errors.h"
#include "train/field/interpolation.h"
#include "train/training/trainer.h"

namespace diffverb {
namespace {

using std::numbers::pi;

constexpr double kSpeed = 100, kRate = 1000;  // m/s, Hz: of strings and membranes of a metre

at::Tensor doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

double error_db(const at::Tensor& value, const at::Tensor& truth) {
  return 10 * std::log10(((value - truth).square().sum() / truth.square().sum()).item<double>());
}

/// Fits a field to signals [M, T] at positions [M, D].
void fit(SineField& field, const at::Tensor& positions, const at::Tensor& signals, int steps) {
  Fields fields = Fields::from_text(
      "{losses: [{type: mse}, {type: mse, of: wave_residual}, {type: mse, of: wall_residual}], "
      "train: {rate: 0.005, steps: " +
      std::to_string(steps) + "}}");
  const auto losses = read_losses(fields, "losses");
  Fields train = fields.map("train");
  Trainer trainer(train, Trainer::Kind::kOneTarget);
  field.place_microphones(positions, signals.size(1), kRate);
  Response target(signals.to(at::kFloat).unsqueeze(0), kRate);
  field.add_features(target);
  for (const WeightedLoss& loss : losses) loss.loss->prepare(target);
  trainer.run({field, losses});
}

SineField field_of(const std::string& size, double high_hz) {
  Fields fields =
      Fields::from_text("{size_m: " + size + ", speed_m_s: 100, seconds: 0.03, high_hz: " + std::to_string(high_hz) +
                        ", reflection: [-1], width: 32, layers: 2, points: 128, wall_points: 32}");
  return SineField(fields);
}

double string_shape(double x) { return std::sin(pi * x) - 0.6 * std::sin(2 * pi * x) + 0.5 * std::sin(3 * pi * x); }

/// Points i / 40 of a string of a metre: [41, 30].
at::Tensor string_by_waveguide() {
  constexpr int kPoints = 40, kStepsPerSample = 4;  // dx / c = 0.25 ms
  std::vector<double> shape;
  for (int i = 0; i <= kPoints; ++i) shape.push_back(string_shape(i / static_cast<double>(kPoints)));
  Waveguide string(shape);
  at::Tensor out = at::zeros({kPoints + 1, 30}, at::kDouble);
  for (int n = 0; n < 30; ++n) {
    for (int i = 0; i <= kPoints; ++i) out[i][n] = string.at(static_cast<std::size_t>(i));
    for (int k = 0; k < kStepsPerSample; ++k) string.step();
  }
  return out;
}

TEST(OracleField, TheWaveguideIsTheClosedFormOfAString) {
  const at::Tensor time = at::arange(30, at::kDouble) / kRate, guide = string_by_waveguide();
  for (int i = 0; i <= 40; ++i) {
    const double x = i / 40.0;
    const at::Tensor closed = std::sin(pi * x) * (pi * kSpeed * time).cos() -
                              0.6 * std::sin(2 * pi * x) * (2 * pi * kSpeed * time).cos() +
                              0.5 * std::sin(3 * pi * x) * (3 * pi * kSpeed * time).cos();
    EXPECT_LT(largest(guide[i] - closed), 1e-12) << i;
  }
}

TEST(OracleField, AStringIsReconstructedFromTwoOfItsPoints) {
  const at::Tensor truth = string_by_waveguide(), x = at::arange(41, at::kDouble).unsqueeze(1) / 40;
  const at::Tensor heard_at = at::tensor({6, 24}, at::kLong);  // 0.15 m, 0.6 m
  SineField field = field_of("[1]", 200);
  fit(field, x.index_select(0, heard_at), truth.index_select(0, heard_at), 1500);
  const at::NoGradGuard no_grad;
  const double network_db = error_db(field.pressure(x, 30, kRate), truth);
  const at::Tensor with_ends = at::cat({at::tensor({0, 40}, at::kLong), heard_at});  // interpolation knows them too
  const double cubic_db =
      error_db(cubic({x.index_select(0, with_ends), truth.index_select(0, with_ends), kRate, kSpeed}, x), truth);
  EXPECT_LT(network_db, -30);
  EXPECT_LT(network_db, cubic_db - 15) << cubic_db;
  RecordProperty("network_db", std::to_string(network_db));
}

/// Places (i, j) / 16 m of a membrane of 1 m by 0.8125 m in two of its modes: [17 * 14, 30], and the places.
struct MembraneSound {
  at::Tensor places, by_differences, closed;
};
MembraneSound membrane_sound() {
  constexpr int kX = 80, kY = 65, kEach = 5, kStepsPerSample = 16;  // dx = 12.5 mm, dt = dx / 2 c
  constexpr double kWidth = kY / static_cast<double>(kX);
  const auto mode = [&](int m, int n, double x, double y) {
    return std::sin(m * pi * x) * std::sin(n * pi * y / kWidth);
  };
  const auto hz = [&](int m, int n) { return kSpeed / 2 * std::hypot(m, n / kWidth); };
  Membrane membrane(kX, kY, [&](int i, int j) {
    const double x = i / static_cast<double>(kX), y = j / static_cast<double>(kX);
    return mode(1, 1, x, y) + 0.7 * mode(2, 1, x, y);
  });
  std::vector<at::Tensor> closed;
  std::vector<double> places;
  const at::Tensor time = at::arange(30, at::kDouble) / kRate;
  for (int i = 0; i <= kX; i += kEach) {
    for (int j = 0; j <= kY; j += kEach) {
      const double x = i / static_cast<double>(kX), y = j / static_cast<double>(kX);
      places.insert(places.end(), {x, y});
      closed.push_back(mode(1, 1, x, y) * (2 * pi * hz(1, 1) * time).cos() +
                       0.7 * mode(2, 1, x, y) * (2 * pi * hz(2, 1) * time).cos());
    }
  }
  MembraneSound out{doubles(places).view({-1, 2}), {}, at::stack(closed)};
  out.by_differences = at::zeros_like(out.closed);
  for (int n = 0; n < 30; ++n) {
    int row = 0;
    for (int i = 0; i <= kX; i += kEach)
      for (int j = 0; j <= kY; j += kEach) out.by_differences[row++][n] = membrane.at(i, j);
    for (int k = 0; k < kStepsPerSample; ++k) membrane.step();
  }
  return out;
}

TEST(OracleField, AMembraneIsReconstructedFromFourOfItsPoints) {
  const MembraneSound sound = membrane_sound();
  EXPECT_LT(error_db(sound.by_differences, sound.closed), -40);
  SineField field = field_of("[1, 0.8125]", 150);
  const at::Tensor heard_at = at::tensor({3 * 14 + 4, 6 * 14 + 9, 11 * 14 + 5, 13 * 14 + 10}, at::kLong);
  fit(field, sound.places.index_select(0, heard_at), sound.by_differences.index_select(0, heard_at), 600);
  const at::NoGradGuard no_grad;
  const double network_db = error_db(field.pressure(sound.places, 30, kRate), sound.closed);
  EXPECT_LT(network_db, -20);
  RecordProperty("network_db", std::to_string(network_db));
}

MicrophoneArray array_on_a_line() {
  return {doubles({0, 0.5, 0.7, 1}).unsqueeze(1), uniform({4, 20}, -1, 1, 3), kRate, kSpeed};
}

TEST(FieldInterpolation, GivesAtAMicrophoneWhatItHeard) {
  const MicrophoneArray array = array_on_a_line();
  for (const auto method : {nearest, linear, cubic})
    EXPECT_LT(largest(method(array, array.positions) - array.signals), 1e-9);
}

TEST(FieldInterpolation, OnALineIsWhatItsNameSays) {
  const MicrophoneArray array = array_on_a_line();
  const auto at_point = [&](const auto& method, double x) { return method(array, doubles({x}).unsqueeze(1))[0]; };
  EXPECT_LT(largest(at_point(nearest, 0.55) - array.signals[1]), 1e-12);
  EXPECT_LT(largest(at_point(linear, 0.6) - (array.signals[1] + array.signals[2]) / 2), 1e-9);
  MicrophoneArray sloping = array;
  sloping.signals = array.positions * 3 + 1;
  EXPECT_NEAR(cubic(sloping, doubles({0.33}).unsqueeze(1)).item<double>(), 1.99, 1e-9);
}

TEST(FieldInterpolation, PlaneWavesAreReconstructedByPlaneWaves) {
  const auto places = uniform({40, 3}, 0, 1, 9), asked = uniform({8, 3}, 0.3, 0.7, 10);
  const auto time = at::arange(200, at::kDouble) / kRate;
  const auto wave = [&](const at::Tensor& x) {  // 120 Hz along (1, 2, 2) / 3, 0.83 m long, in a slow window
    const auto phase = 2 * pi * 120 * (time - at::matmul(x, doubles({1, 2, 2}) / 3).unsqueeze(1) / kSpeed);
    return phase.sin() * (-((time - 0.1) / 0.025).square()).exp();
  };
  const MicrophoneArray array{places, wave(places), kRate, kSpeed};
  EXPECT_LT(error_db(plane_waves(array, asked), wave(asked)), -12);
  EXPECT_GT(error_db(linear(array, asked), wave(asked)), -10) << "an easy wave tells nothing";
}

TEST(FieldErrorTable, MeasuresWhatIsLeftInEveryBand) {
  const auto truth = uniform({3, 400}, -1, 1, 2);
  const FieldErrors errors =
      field_errors(truth, {{"near", 0.9 * truth}, {"silence", at::zeros_like(truth)}, {"same", truth}}, 8000, 100, 500);
  ASSERT_EQ(errors.hz, (std::vector<double>{100, 125, 160, 200, 250, 315, 400, 500}));
  for (std::size_t b = 0; b < errors.hz.size(); ++b) {
    EXPECT_NEAR(errors.error_db[0][b], -20, 1e-9);
    EXPECT_NEAR(errors.error_db[1][b], 0, 1e-9);
  }
  EXPECT_NEAR(errors.all_db[0], -20, 1e-9);
  const auto json = json_of(errors);
  EXPECT_TRUE(json["methods"]["same"]["all_db"].is_null());
  EXPECT_NE(table_of(errors).find("silence"), std::string::npos);
}

/// A string of a metre as a room: sounds of three of its points at 8 kHz.
class FieldCommand : public testing::Test {
 protected:
  void SetUp() override {
    for (const double x : {0.2, 0.7, 0.4}) write_mode(x, 8000, 1);
    write_text(scratch_ / "room.yaml", config());
  }
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }
  void write_mode(double x, double rate_hz, int channels) {
    std::vector<float> signal;
    for (int n = 0; n < rate_hz * 0.05; ++n)
      signal.push_back(static_cast<float>(std::sin(3 * pi * x) * std::cos(3 * pi * kSpeed * n / rate_hz)));
    write_audio(path("at_" + std::to_string(static_cast<int>(10 * x + 0.5)) + ".wav"),
                {rate_hz, std::vector<std::vector<float>>(static_cast<std::size_t>(channels), signal)});
  }
  static std::string config(const std::string& first = "0.2", const std::string& truth = ", file: at_4.wav") {
    return "low_hz: 50\nmodel: {size_m: [1], speed_m_s: 100, high_hz: 400, seconds: 0.04, width: 16, layers: 2, "
           "points: 64}\nlosses: [{type: mse}, {type: mse, of: wave_residual}]\n"
           "train: {steps: 30, rate: 0.005}\nmicrophones: [{position_m: [" +
           first + "], file: at_2.wav}, {position_m: [0.7], file: at_7.wav}]\npositions: [{position_m: [0.4]" + truth +
           "}, {position_m: [0.5]}]\n";
  }
  std::string refused(const std::string& yaml) {
    write_text(scratch_ / "bad.yaml", yaml);
    return message_of<Error>([&] { run_command_line({"field", path("bad.yaml"), "--out", path("bad")}); });
  }

  Scratch scratch_;
};

TEST_F(FieldCommand, WritesAResponseForEveryPlaceAndTheErrorsWhereTruthIsKnown) {
  ASSERT_EQ(run_command_line({"field", path("room.yaml"), "--out", path("run")}), 0);
  for (const char* name : {"run/position_1.wav", "run/position_2.wav"}) {
    const Audio audio = read_audio(path(name));
    EXPECT_EQ(audio.rate_hz, 8000);
    EXPECT_EQ(audio.frames(), 320u);
  }
  const auto metrics = nlohmann::json::parse(read_text(path("run/metrics.json")));
  EXPECT_EQ(metrics["steps"], 30);
  EXPECT_EQ(metrics["microphones"], 2);
  for (const char* method : {"network", "nearest", "linear", "cubic", "plane_waves"})
    EXPECT_TRUE(metrics["methods"][method]["all_db"].is_number()) << method;
  EXPECT_THROW(run_command_line({"field", path("room.yaml"), "--out", path("run")}), ConfigError);
  write_text(scratch_ / "unknown.yaml", config("0.2", ""));
  ASSERT_EQ(run_command_line({"field", path("unknown.yaml"), "--out", path("run"), "--overwrite"}), 0);
  EXPECT_FALSE(std::filesystem::exists(path("run/metrics.json")));
  EXPECT_TRUE(std::filesystem::exists(path("run/position_1.wav")));
}

TEST_F(FieldCommand, SaysThatAFileEndsBeforeItsTime) {
  testing::internal::CaptureStderr();
  run_command_line(
      {"field", path("room.yaml"), "--out", path("run"), "--set", "model.seconds=0.06", "--set", "train.steps=1"});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("ends 0.01 s before model.seconds, silence is taken for the rest"), std::string::npos) << said;
}

TEST_F(FieldCommand, AStoppedRunGoesOnAsIfItHadNotStopped) {
  const std::vector<std::string> steps{"--set", "train.steps=400", "--out"};
  const auto arguments = [&](const std::string& out) {
    std::vector<std::string> all{"field", path("room.yaml")};
    all.insert(all.end(), steps.begin(), steps.end());
    all.push_back(path(out));
    return all;
  };
  ASSERT_EQ(run_command_line(arguments("whole")), 0);
  Program program(DIFFVERB_PROGRAM, arguments("parts"), scratch_.path());
  ASSERT_TRUE(program.wait_until([&] { return program.err().find("/400") != std::string::npos; })) << program.err();
  program.signal(SIGINT);
  ASSERT_EQ(program.wait(), 130) << program.err();
  EXPECT_FALSE(std::filesystem::exists(path("parts/position_1.wav")));
  ASSERT_EQ(run_command_line({"field", "--resume", path("parts")}), 0);
  EXPECT_EQ(read_text(path("parts/position_1.wav")), read_text(path("whole/position_1.wav")));
}

TEST_F(FieldCommand, SaysWhatIsWrongWithItsInput) {
  EXPECT_NE(refused(config("1.2")).find("position_m: expected a place within model.size_m"), std::string::npos);
  EXPECT_NE(refused(config("0.2, 0.1")).find("one number for each side"), std::string::npos);
  EXPECT_NE(refused(config("0.2", ", file: none.wav")).find("none.wav"), std::string::npos);
  EXPECT_NE(refused("low_hz: 900\n" + config().substr(11)).find("less than model.high_hz"), std::string::npos);
  EXPECT_THROW(run_command_line({"field"}), ConfigError);
  EXPECT_THROW(run_command_line({"field", path("room.yaml"), "--resume", path("run")}), ConfigError);
  write_mode(0.7, 8000, 2);
  EXPECT_NE(refused(config()).find("at_7.wav: 2 channels; expected one"), std::string::npos);
  write_mode(0.7, 16000, 1);
  EXPECT_NE(refused(config()).find("16000 Hz; expected 8000 Hz"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path("bad")));
}

TEST(FieldConfigFile, TheOneToStartFromIsAccepted) {
  const FieldConfig config = read_field_config(DIFFVERB_SOURCE_DIR "/configs/field.yaml");
  EXPECT_EQ(config.microphones.size(), 10u);
  EXPECT_EQ(config.positions.size(), 30u);
  EXPECT_EQ(config.losses.size(), 3u);
}

}  // namespace
}  // namespace diffverb
