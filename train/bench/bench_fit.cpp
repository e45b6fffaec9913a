#include "train/bench/bench_fit.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/comparison.h"
#include "core/audio_file.h"
#include "core/error.h"
#include "core/filters/peaking.h"
#include "core/seed.h"
#include "core/tensor.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"
#include "train/fit/fit.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 48000, kSeconds = 2.5;
constexpr std::int64_t kLines = 16, kPeerSteps = 300;

/// Octaves of noise, 2.2 s of reverberation at the bottom and 0.8 s at the top, a floor 75 dB below the start.
Audio decaying_noise() {
  const auto samples = static_cast<std::int64_t>(kSeconds * kRateHz);
  Random random(1, "bench fit");
  std::vector<double> white, floor;
  for (std::int64_t n = 0; n < samples; ++n) {
    white.push_back(random.normal());
    floor.push_back(random.normal());
  }
  const auto spectrum = at::fft_rfft(at::tensor(white, at::kDouble));
  const auto hz = at::arange(spectrum.size(0), at::kDouble) * (kRateHz / static_cast<double>(samples));
  const auto seconds = at::arange(samples, at::kDouble) / kRateHz;
  auto sum = at::tensor(floor, at::kDouble) * std::pow(10.0, -75.0 / 20);
  const auto centres = octave_centres(63, 16000, kRateHz);
  for (std::size_t k = 0; k < centres.size(); ++k) {
    const double low = k == 0 ? 0 : centres[k] / std::sqrt(2.0),
                 high = k + 1 == centres.size() ? kRateHz : centres[k] * std::sqrt(2.0);
    const auto band = at::fft_irfft(spectrum * ((hz >= low) * (hz < high)).to(at::kDouble), samples);
    const double t60_s = 2.2 - 1.4 * static_cast<double>(k) / static_cast<double>(centres.size() - 1);
    sum = sum + band * at::pow(10.0, seconds * (-3 / t60_s));
  }
  const auto ir = (sum * 0.1).to(at::kFloat).contiguous();
  Audio out;
  out.rate_hz = kRateHz;
  out.channels.emplace_back(ir.const_data_ptr<float>(), ir.const_data_ptr<float>() + samples);
  return out;
}

/// A fit sets the threads and the determinism of the process; they come back with this.
class ProcessSettings {
 public:
  ProcessSettings() = default;
  ~ProcessSettings() {
    at::set_num_threads(threads_);
    at::globalContext().setDeterministicAlgorithms(deterministic_, false);
  }
  ProcessSettings(const ProcessSettings&) = delete;
  ProcessSettings& operator=(const ProcessSettings&) = delete;

 private:
  int threads_ = at::get_num_threads();
  bool deterministic_ = at::globalContext().deterministicAlgorithms();
};

void add_errors(const Audio& target, const std::filesystem::path& played, const std::string& prefix,
                BenchResult& result) {
  acoustics::ComparisonOptions options;
  const auto figures = acoustics::compare(target, read_audio(played), options).all;
  const auto add = [&](const std::string& key, const std::optional<double>& value) {
    if (value) result.figures.emplace_back(prefix + key, *value);
  };
  add("t_error_pct", figures.median.t_error_pct);
  add("worst_t_error_pct", figures.worst.t_error_pct);
  add("level_shape_db", figures.level_shape_db);
}

BenchResult bench_whole_fit() {
  const BenchFolder folder;
  const Audio target = decaying_noise();
  const auto room = folder.path() / "room.wav";
  write_audio(room, target);
  const int threads = bench_threads();
  BenchResult result;
  result.name = "fit";
  result.size = "2.5 s 48 kHz N=" + std::to_string(kLines) + " file to file";
  FitOptions options;
  options.input = room;
  options.out = folder.path() / "fit";
  options.overlays = {"model.lines=" + std::to_string(kLines)};
  {
    const ProcessSettings settings;
    result.ours_ms = milliseconds([&] { fit_response(options); });
  }
  add_errors(target, options.out / "ir.wav", "", result);

  PythonPeer peer(peer_script("pyfdn_fit"),
                  {"--response", room.string(), "--out", folder.path().string(), "--lines", std::to_string(kLines),
                   "--steps", std::to_string(kPeerSteps), "--threads", std::to_string(threads)},
                  threads);
  const auto version = peer_version(peer, "fit", "pyFDN and soundfile");
  if (!version) return result;
  peer.write("go");
  const auto answer = nlohmann::json::parse(peer.read().value_or(""), nullptr, false);
  if (!answer.is_object()) throw DataError("bench fit: the Python peer has ended early");
  result.peer = "pyFDN " + *version + ", " + std::to_string(answer.at("steps").get<int>()) + " steps";
  result.peer_ms = answer.at("ms").get<double>();
  add_errors(target, folder.path() / "ir.wav", "peer_", result);
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> fit_benches() { return {bench_whole_fit}; }

}  // namespace diffverb
