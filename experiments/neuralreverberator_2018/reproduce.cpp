// The published autoencoder's figures on a folder of responses: what its spectrograms, and the sounds made from them,
// differ from the responses by. README.md has the question and the result.
#include <ATen/ops/avg_pool1d.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/acoustics/analysis.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/resample.h"
#include "core/spectral/griffin_lim.h"
#include "core/tensor.h"
#include "datasets/response_file.h"
#include "models/spectral_autoencoder.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

constexpr double kSpanDb = 80, kShippedSpanDb = 120;  // trained on, and inverted with

struct Options {
  std::string model;
  std::vector<std::string> inputs;
  std::int64_t iterations = 1000;
  bool json = false;
};

/// What one path from response to sound is measured by; empty where the response does not support the figure.
struct Errors {
  std::optional<double> mse, lsd_db, lsd_smoothed_db, sound_lsd_smoothed_db, t20_pct, edt_pct, c80_db;
};

std::vector<fs::path> files_in(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const std::string& input : inputs) {
    if (!fs::is_directory(input)) {
      files.emplace_back(input);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(input)) {
      if (entry.is_regular_file() && is_response_name(entry.path())) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<fs::path> responses;
  for (const fs::path& file : files) {
    for (fs::path& response : responses_in(file)) responses.push_back(std::move(response));
  }
  return responses;
}

/// [F, K] power to third octaves, single bins at the bottom, and three frames.
at::Tensor smoothed(const at::Tensor& power) {
  std::vector<at::Tensor> bands;
  for (std::int64_t low = 0, high = 1; low < power.size(0); low = high) {
    high = std::max<std::int64_t>(low + 1, std::llround(static_cast<double>(low) * std::exp2(1.0 / 3)));
    high = std::min(high, power.size(0));
    bands.push_back(power.slice(0, low, high).mean(0));
  }
  const auto stacked = at::stack(bands).unsqueeze(0);
  return at::avg_pool1d(stacked, 3, 1, 1, false, /*count_include_pad=*/false).squeeze(0);
}

/// Mean over frames of the root mean square over rows of the difference in dB.
double distance_db(const at::Tensor& a, const at::Tensor& b) {
  return ((a.log10() - b.log10()) * 10).square().mean(0).sqrt().mean().item<double>();
}

/// Nothing below 80 dB under its own maximum.
at::Tensor clipped(const at::Tensor& power) { return power.clamp_min(power.max() * std::pow(10.0, -kSpanDb / 10)); }

at::Tensor power_of_values(const at::Tensor& values, double span_db) {
  return at::pow(10.0, (values.to(at::kDouble) - 1) * (span_db / 10));
}

std::optional<double> relative_pct(std::optional<double> other, std::optional<double> target) {
  if (!other || !target || *target == 0) return std::nullopt;
  return 100 * std::abs(*other / *target - 1);
}

acoustics::BandResult octave_1k(const std::vector<double>& sound, double rate_hz) {
  acoustics::AnalysisOptions options;
  options.octaves_from_hz = 900;
  options.octaves_to_hz = 1100;
  return acoustics::analyze_channel(sound, rate_hz, options).octaves.at(0);
}

std::vector<double> to_vector(const at::Tensor& row) {
  const auto t = row.to(at::kDouble).contiguous();
  return {t.const_data_ptr<double>(), t.const_data_ptr<double>() + t.numel()};
}

class Reproduction {
 public:
  Reproduction(SpectralAutoencoder& model, std::int64_t iterations) : model_(model), iterations_(iterations) {}

  /// The errors of one channel, path by path.
  std::map<std::string, Errors> measure(const std::vector<float>& channel) const {
    const double rate_hz = model_.sample_rate_hz();
    Response target(at::tensor(channel).view({1, 1, -1}), rate_hz);
    model_.add_features(target);
    const auto values = target.get("spectrogram");
    const auto decoded = model_.decode(model_.encode(values));
    const double span_db = (target.get("spectrogram_high_db") - target.get("spectrogram_low_db")).item<double>();
    const acoustics::BandResult original = octave_1k(std::vector<double>(channel.begin(), channel.end()), rate_hz);
    std::map<std::string, Errors> out;
    const struct {
      const char* name;
      at::Tensor values;
      double span_db;
    } paths[] = {{"as shipped", decoded, kShippedSpanDb},
                 {"scale fixed", decoded, kSpanDb},
                 {"original spectrogram", values, span_db}};
    const auto seen = clipped(power_of_values(values[0][0], span_db));
    for (const auto& path : paths) {
      Errors& e = out[path.name];
      if (path.values.is_same(decoded)) {
        e.mse = (decoded - values).square().mean().item<double>();
        // Both as what the network sees and gives, on the one scale that it was trained for.
        const auto wanted = clipped(power_of_values(values[0][0], kSpanDb));
        const auto given = clipped(power_of_values(decoded[0][0], kSpanDb));
        e.lsd_db = distance_db(given, wanted);
        e.lsd_smoothed_db = distance_db(smoothed(given), smoothed(wanted));
      }
      const auto sound = play(path.values[0][0], path.span_db);
      const auto heard = clipped(
          power_spectrogram(sound.to(at::kDouble).unsqueeze(0), 1024, 256, Padding::kReflect)[0].narrow(1, 0, 128));
      e.sound_lsd_smoothed_db = distance_db(smoothed(heard), smoothed(seen));
      const acoustics::BandResult played = octave_1k(to_vector(sound), rate_hz);
      e.t20_pct = relative_pct(played.t20_s, original.t20_s);
      e.edt_pct = relative_pct(played.edt_s, original.edt_s);
      if (played.c80_db && original.c80_db) e.c80_db = std::abs(*played.c80_db - *original.c80_db);
    }
    return out;
  }

 private:
  /// As the published generator does it: random phases, plain Griffin-Lim.
  at::Tensor play(const at::Tensor& values, double span_db) const {
    GriffinLimOptions options;
    options.iterations = iterations_;
    options.momentum = 0;
    const auto magnitude = at::pow(10.0, (values - 1) * (span_db / 20)).unsqueeze(0);
    return griffin_lim(magnitude, options).signal[0];
  }

  SpectralAutoencoder& model_;
  std::int64_t iterations_;
};

constexpr std::optional<double> Errors::*kFigures[] = {
    &Errors::mse,     &Errors::lsd_db,  &Errors::lsd_smoothed_db, &Errors::sound_lsd_smoothed_db,
    &Errors::t20_pct, &Errors::edt_pct, &Errors::c80_db};
constexpr const char* kNames[] = {"mse",
                                  "lsd_db",
                                  "lsd_smoothed_db",
                                  "sound_lsd_smoothed_db",
                                  "t20_1k_error_pct",
                                  "edt_1k_error_pct",
                                  "c80_1k_error_db"};

std::optional<double> median(const std::vector<Errors>& errors, std::optional<double> Errors::*figure) {
  std::vector<double> values;
  for (const Errors& e : errors) {
    if (e.*figure) values.push_back(*(e.*figure));
  }
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void run(const Options& options) {
  ModelFile file = load_model(options.model);
  auto* model = dynamic_cast<SpectralAutoencoder*>(file.model.get());
  if (!model) throw DataError(options.model + ": holds a " + file.type + ", expected a spectral_autoencoder");
  const at::NoGradGuard no_grad;
  const Reproduction reproduction(*model, options.iterations);
  const auto files = files_in(options.inputs);
  std::map<std::string, std::vector<Errors>> all;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  Progress progress("responses", static_cast<std::int64_t>(files.size()));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Audio audio = resample(read_response(files[i]), model->sample_rate_hz());
    for (std::size_t c = 0; c < audio.channels.size(); ++c) {
      nlohmann::ordered_json row{{"file", files[i].filename().string()}, {"channel", c}};
      for (const auto& [path, errors] : reproduction.measure(audio.channels[c])) {
        all[path].push_back(errors);
        for (std::size_t k = 0; k < std::size(kFigures); ++k) {
          const auto value = errors.*kFigures[k];
          row[path][kNames[k]] = value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
        }
      }
      rows.push_back(row);
    }
    progress.update(static_cast<std::int64_t>(i + 1), 0);
  }
  progress.finish();
  if (options.json) {
    std::cout << rows.dump(2) << "\n";
    return;
  }
  std::printf("%zu responses (channels) in %zu files, medians\n%-22s", rows.size(), files.size(), "");
  for (const char* name : kNames) std::printf(" %21s", name);
  for (const auto& [path, errors] : all) {
    std::printf("\n%-22s", path.c_str());
    for (const auto figure : kFigures) {
      const auto value = median(errors, figure);
      value ? std::printf(" %21.4g", *value) : std::printf(" %21s", "-");
    }
  }
  std::printf("\n");
}

}  // namespace
}  // namespace diffverb

int main(int argc, char** argv) {
  diffverb::Options options;
  CLI::App app("Measures the published spectral autoencoder on responses");
  app.add_option("model", options.model, "model file of diffverb import-keras")->required();
  app.add_option("responses", options.inputs, "sound or SOFA files, or folders of them")->required();
  app.add_option("--iterations", options.iterations, "of Griffin-Lim")->check(CLI::Range(1, 100000));
  app.add_flag("--json", options.json, "each response's figures");
  CLI11_PARSE(app, argc, argv);
  try {
    diffverb::run(options);
  } catch (const diffverb::Error& error) {
    std::cerr << error.what() << "\n";
    return error.exit_code();
  }
  return 0;
}
