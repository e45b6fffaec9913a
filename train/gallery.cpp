#include "train/gallery.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "core/error.h"
#include "core/fields.h"
#include "core/files.h"
#include "core/log.h"
#include "core/network/mode_summary.h"
#include "core/resample.h"
#include "models/fitted_reverb.h"
#include "runtime/engine.h"
#include "runtime/network_plan.h"
#include "runtime/render.h"
#include "train/failure.h"
#include "train/network_config.h"
#include "train/report/dry_sound.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// Poles times lines^3, what an iteration costs; beyond it takes many minutes.
constexpr double kMostModesWork = 2e10;
constexpr int kBlock = 512, kCostRuns = 7;
constexpr double kCostSeconds = 0.5;
constexpr double kMeasured = 1e-8;  // of the energy: what is left when a response is long enough to be measured
constexpr double kLongest_s = 32;

/// The one way from a config to what the engine plays, whatever model it describes.
std::shared_ptr<const runtime::Model> sounding(const fs::path& config, const GalleryOptions& options) {
  return playable_model(config, options.overlays);
}

Audio dry_sound(const GalleryOptions& options, double rate_hz) {
  if (options.dry.empty()) return make_dry_sound(rate_hz, kDrySeed);
  const Audio audio = read_audio(options.dry);
  return audio.rate_hz == rate_hz ? audio : resample(audio, rate_hz);
}

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Seconds of one core for a second of sound: the median of some stretches of noise, behind a first one that fills the
/// lines.
double engine_cost(const std::shared_ptr<const runtime::Model>& model) {
  runtime::Engine engine;
  if (const std::string error = engine.prepare(model, model->sample_rate_hz()); !error.empty())
    throw NumericError("the runtime refuses the network: " + error);
  const auto inputs = static_cast<std::size_t>(model->inputs()), outputs = static_cast<std::size_t>(model->outputs());
  std::vector<float> noise(kBlock);
  std::uint32_t state = 1;
  for (float& value : noise)
    value = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / static_cast<float>(1 << 25) - 0.25f;
  std::vector<std::vector<float>> out(outputs, std::vector<float>(kBlock));
  std::vector<const float*> from(inputs, noise.data());
  std::vector<float*> to;
  for (auto& channel : out) to.push_back(channel.data());
  const auto blocks = static_cast<int>(std::ceil(kCostSeconds * model->sample_rate_hz() / kBlock));
  std::vector<double> seconds;
  for (int run = 0; run <= kCostRuns; ++run) {
    const double begin = processor_seconds();
    for (int block = 0; block < blocks; ++block) engine.process(from.data(), to.data(), kBlock);
    if (run > 0) seconds.push_back(processor_seconds() - begin);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2] * model->sample_rate_hz() / (static_cast<double>(blocks) * kBlock);
}

/// Counts delay lines, further reads in the same line, and filters (runtime/weights.h says what is which).
void count_lines(const runtime::DelayNetworkWeights& w, report::GalleryEntry& entry) {
  for (int i = 0; i < w.lines; ++i) {
    bool is_tap = false;
    for (int j = 0; j < i && !is_tap; ++j)
      is_tap = w.delays[static_cast<std::size_t>(j)] > 0 && runtime::share_ring(w, i, j);
    const bool is_filter = w.delays[static_cast<std::size_t>(i)] == 0;
    ++(is_filter ? entry.filters : is_tap ? entry.taps : entry.lines);
  }
  entry.fir_s = w.early_samples / w.sample_rate_hz;
}

/// The model's name, and how many numbers of it a fit may learn; the latter only of what is a network before a fit.
void describe_model(const fs::path& config, const GalleryOptions& options, report::GalleryEntry& entry) {
  Fields fields = Fields::from_file(config, options.overlays);
  Fields map = fields.map("model");
  map.required("type", entry.type);
  try {
    const auto model = make_room_model(map);
    const auto* fitted = dynamic_cast<const FittedReverb*>(model.get());
    if (!fitted) return;
    entry.parameters = 0;
    for (const auto& [name, tensor] : fitted->reverb().parameters()) *entry.parameters += tensor.numel();
  } catch (const ConfigError&) {  // it sounds, so its config is right: it is no model that is fitted
  }
}

report::GalleryModes find_modes(const fs::path& config, const GalleryOptions& options, double rate_hz,
                                const std::function<void(double)>& on_progress) {
  report::GalleryModes out;
  if (options.modes_rate_hz <= 0) {
    out.why_not = "not asked for";
    return out;
  }
  out.rate_hz = std::min(rate_hz, options.modes_rate_hz);
  std::vector<std::string> overlays = options.overlays;
  overlays.push_back("model.sample_rate_hz=" + std::to_string(out.rate_hz));
  try {
    DelayNetwork network = to_network(network_of_config(config, overlays));
    network.b = network.b.sum(1, true);
    network.d = network.d.sum(1, true);
    const auto lines = static_cast<double>(network.lines());
    const double work = lines > 0 ? network.delays.sum().item<double>() * std::pow(lines, 3) : 0;
    if (lines == 0) {
      out.why_not = "no delay network";
    } else if (work > kMostModesWork) {
      out.why_not = "too many lines to decompose at " + std::to_string(std::lround(out.rate_hz)) + " Hz";
    } else {
      ModeOptions search;
      search.on_progress = on_progress;
      const ModeSummary s = summarize(modes_of(network, search), network.sample_rate_hz);
      out.poles = static_cast<std::int64_t>(s.poles);
      out.heard = static_cast<std::int64_t>(s.heard);
      out.density_per_hz = s.density_per_hz;
      out.t60_p10_s = s.t60_p10_s, out.t60_median_s = s.t60_median_s, out.t60_p90_s = s.t60_p90_s;
      out.spread_db = s.spread_db;
      out.loudest_late_db = s.loudest_late_db, out.loudest_late_hz = s.loudest_late_hz;
    }
  } catch (const Error& error) {  // the sound at its own rate stays worth showing
    out.why_not = error.what();
  }
  return out;
}

/// Until it has fallen by 80 dB, or kLongest_s: a decay time wants the whole decay, however long one listens.
Audio long_response(const std::shared_ptr<const runtime::Model>& model, double seconds) {
  const double longest_s = std::max(seconds, kLongest_s);
  for (;; seconds *= 2) {
    Audio out{model->sample_rate_hz(), runtime::render_impulse(model, std::min(seconds, longest_s), kBlock)};
    if (seconds >= longest_s) return out;
    double whole = 0, late = 0;
    for (const auto& channel : out.channels) {
      for (std::size_t n = 0; n < channel.size(); ++n) {
        const double power = static_cast<double>(channel[n]) * channel[n];
        whole += power;
        if (n >= channel.size() * 9 / 10) late += power;
      }
    }
    if (!(late > kMeasured * whole)) return out;
  }
}

void measure_sound(const Audio& response, report::GalleryEntry& entry) {
  for (const auto& channel : response.channels) {
    if (!std::all_of(channel.begin(), channel.end(), [](float value) { return std::isfinite(value); }))
      throw NumericError("its response is not finite");
  }
  Audio first{response.rate_hz, {response.channels.begin(), response.channels.begin() + std::min(2, entry.outputs)}};
  if (std::all_of(first.channels[0].begin(), first.channels[0].end(), [](float value) { return value == 0; }))
    throw NumericError("its first output stays silent");
  acoustics::AnalysisOptions options;
  options.keep_curves = true;
  options.without_noise = true;
  acoustics::FileResult result = acoustics::analyze(first, options);
  entry.channel = std::move(result.channels[0]);
  entry.iacc = result.iacc;
  std::vector<std::vector<double>> channels;
  for (const auto& channel : first.channels) channels.push_back(acoustics::to_double(channel));
  const auto onset = entry.channel.extent.onset;
  entry.tail = acoustics::measure_tail(std::span<const double>(channels[0]).subspan(onset), response.rate_hz,
                                       entry.channel.density);
  if (channels.size() < 2) return;
  const auto from =
      std::min(channels[0].size(), onset + static_cast<std::size_t>(entry.tail.from_s * response.rate_hz));
  const auto to = std::min(channels[0].size(), onset + static_cast<std::size_t>(entry.tail.to_s * response.rate_hz));
  const auto late = [&](const std::vector<double>& channel) {
    return std::span<const double>(channel).subspan(from, to - from);
  };
  entry.coherence = acoustics::measure_squared_coherence(late(channels[0]), late(channels[1]), response.rate_hz);
}

/// Files of one name in different folders are told apart by a number.
std::vector<std::string> names_of(const std::vector<fs::path>& configs) {
  std::vector<std::string> names;
  for (const fs::path& config : configs) {
    const std::string base = config.stem().string();
    std::string name = base;
    for (int k = 2; std::find(names.begin(), names.end(), name) != names.end(); ++k)
      name = base + "_" + std::to_string(k);
    names.push_back(name);
  }
  return names;
}

void prepare_folder(const GalleryOptions& options) {
  std::error_code code;
  if (fs::exists(options.out, code) && !fs::is_directory(options.out, code))
    throw ConfigError(options.out.string() + ": exists and is no folder, expected a folder to make");
  if (fs::exists(options.out, code) && !fs::is_empty(options.out, code) && !options.overwrite)
    throw ConfigError(options.out.string() + ": exists; give --overwrite, or another --out");
  make_folder(options.out / "sounds");
}

}  // namespace

report::GalleryEntry measure_reverberator(const fs::path& config, const GalleryOptions& options,
                                          const std::function<void(double)>& on_progress) {
  const at::NoGradGuard no_grad;
  double told = 0;
  const auto tell = [&](double share) {  // modes_of begins again with each loop
    told = std::max(told, share);
    if (on_progress) on_progress(told);
  };
  report::GalleryEntry entry;
  entry.name = config.stem().string();
  entry.config = config.generic_string();
  const auto model = sounding(config, options);
  entry.rate_hz = model->sample_rate_hz();
  entry.inputs = model->inputs();
  entry.outputs = model->outputs();
  count_lines(model->network, entry);
  describe_model(config, options, entry);
  const Audio response = long_response(model, options.seconds);
  entry.response = response;
  for (auto& channel : entry.response.channels)
    channel.resize(std::min(channel.size(), static_cast<std::size_t>(std::llround(options.seconds * entry.rate_hz))));
  tell(0.1);
  entry.played = {entry.rate_hz,
                  runtime::render(model, dry_sound(options, entry.rate_hz).channels, options.seconds, kBlock)};
  tell(0.2);
  measure_sound(response, entry);
  tell(0.3);
  entry.cost = engine_cost(model);
  tell(0.4);
  if (model->network.lines == 0)
    entry.modes.why_not = "no delay network";
  else
    entry.modes = find_modes(config, options, entry.rate_hz, [&](double share) { tell(0.4 + 0.6 * share); });
  tell(1);
  return entry;
}

std::vector<report::GalleryEntry> make_gallery(const GalleryOptions& options) {
  if (!options.dry.empty()) read_audio(options.dry);  // told now, once, and nothing is left behind
  prepare_folder(options);
  const std::vector<std::string> names = names_of(options.configs);
  std::vector<report::GalleryEntry> entries;
  for (std::size_t k = 0; k < names.size(); ++k) {
    report::GalleryEntry entry;
    try {
      entry = measure_reverberator(options.configs[k], options, [&](double share) {
        if (options.on_progress) options.on_progress(k, share);
      });
    } catch (const std::exception&) {
      const Failure failure = current_failure();
      entry = {};
      entry.config = options.configs[k].generic_string();
      entry.error = message_about(options.configs[k], failure.message);
      entry.exit_code = failure.exit_code;
      log().error(entry.error);
    }
    entry.name = names[k];
    if (entry.error.empty()) {
      write_audio(options.out / "sounds" / (names[k] + "_ir.wav"), entry.response);
      write_audio(options.out / "sounds" / (names[k] + "_dry.wav"), entry.played);
    }
    entries.push_back(std::move(entry));
  }
  const report::GalleryAbout about{options.seconds, options.modes_rate_hz,
                                   options.dry.empty() ? "" : options.dry.filename().string()};
  write_file_atomically(options.out / "gallery.json", report::gallery_json(entries, about).dump(2) + "\n");
  write_file_atomically(options.out / "index.html", report::gallery_page(entries, about));
  return entries;
}

}  // namespace diffverb
