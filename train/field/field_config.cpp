#include "train/field/field_config.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "core/acoustics/filters.h"
#include "core/audio_file.h"
#include "core/device/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/printed.h"

namespace diffverb {
namespace {

constexpr int kOrder = 6;
constexpr double kLeastRateRatio = 2.5;  // sample rate over high_hz

std::vector<FieldPlace> read_places(Fields& fields, const std::string& key, const SineField& model, bool with_file) {
  std::vector<FieldPlace> places;
  for (Fields& entry : fields.list(key)) {
    FieldPlace place;
    entry.required("position_m", place.position_m, {}, "m");
    if (with_file || entry.has("file")) entry.file("file", place.file);
    const auto& size = model.size_m();
    if (place.position_m.size() != size.size())
      entry.fail("position_m", "one number for each side of model.size_m expected");
    for (std::size_t j = 0; j < size.size(); ++j)
      if (place.position_m[j] < 0 || place.position_m[j] > size[j])
        entry.fail("position_m", "expected a place within model.size_m, each number from 0 to its side");
    places.push_back(std::move(place));
  }
  if (places.empty()) fields.fail(key, "at least one place expected");
  return places;
}

at::Tensor read_band(const std::string& file, const acoustics::Sections& band, const Audio& audio,
                     std::int64_t samples) {
  if (audio.channels.size() != 1)
    throw DataError(file + ": " + std::to_string(audio.channels.size()) + " channels; expected one, of one place");
  std::vector<double> signal(audio.channels[0].begin(), audio.channels[0].end());
  signal.resize(static_cast<std::size_t>(samples), 0.0);
  return at::tensor(acoustics::apply_filter(band, signal), at::kDouble);
}

}  // namespace

FieldConfig read_field_config(const std::filesystem::path& path, const std::vector<std::string>& overlays) {
  FieldConfig config;
  std::vector<std::string> all = overlays;
  Fields::from_file(path, overlays).choice("device", config.device, device_words());
  const DeviceWord device = resolve_device(config.device);
  config.why_device = device.why;
  if (!device.why.empty()) all.push_back("device=" + device.word);  // what was chosen is what comes again
  Fields fields = Fields::from_file(path, all);
  fields.choice("device", config.device, device_words());
  fields.optional("threads", config.threads, between(1, 256));
  fields.optional("low_hz", config.low_hz, above(0), "Hz");
  Fields model = fields.map("model"), train = fields.map("train");
  std::string type = "sine_field";
  model.choice("type", type, {type});
  config.model = std::make_unique<SineField>(model);
  if (config.low_hz >= config.model->high_hz()) fields.fail("low_hz", "expected less than model.high_hz");
  config.microphones = read_places(fields, "microphones", *config.model, true);
  config.positions = read_places(fields, "positions", *config.model, false);
  config.losses = read_losses(fields, "losses");
  if (config.losses.empty()) fields.fail("losses", "at least one loss is needed");
  config.trainer = std::make_unique<Trainer>(train, Trainer::Kind::kOneTarget);
  fields.finish();
  config.resolved = fields.resolved_yaml();
  return config;
}

at::Tensor positions_of(const std::vector<FieldPlace>& places) {
  std::vector<at::Tensor> rows;
  for (const FieldPlace& place : places) rows.push_back(at::tensor(place.position_m, at::kDouble));
  return at::stack(rows);
}

FieldSounds read_field_sounds(const FieldConfig& config) {
  FieldSounds out;
  std::int64_t samples = 0, most_missing = 0;
  std::string shortest;
  acoustics::Sections band;
  const auto read = [&](const std::string& file) {
    const Audio audio = read_audio(file);
    if (out.rate_hz == 0) {
      out.rate_hz = audio.rate_hz;
      if (out.rate_hz < kLeastRateRatio * config.model->high_hz())
        throw DataError(file + ": " + printed("%g", out.rate_hz) + " Hz; expected at least " +
                        printed("%g", kLeastRateRatio) + " times model.high_hz");
      samples = std::llround(config.model->seconds() * out.rate_hz);
      band = acoustics::butterworth_band_pass(kOrder, config.low_hz, config.model->high_hz(), out.rate_hz);
    }
    if (audio.rate_hz != out.rate_hz)
      throw DataError(file + ": " + printed("%g", audio.rate_hz) + " Hz; expected " + printed("%g", out.rate_hz) +
                      " Hz, the rate of " + config.microphones[0].file);
    const auto missing = samples - static_cast<std::int64_t>(audio.frames());
    if (missing > most_missing) most_missing = missing, shortest = file;
    return read_band(file, band, audio, samples);
  };
  std::vector<at::Tensor> heard, known;
  for (const FieldPlace& place : config.microphones) heard.push_back(read(place.file));
  for (std::size_t n = 0; n < config.positions.size(); ++n) {
    if (config.positions[n].file.empty()) continue;
    known.push_back(read(config.positions[n].file));
    out.known.push_back(static_cast<std::int64_t>(n));
  }
  if (most_missing > 0)
    log().warning(shortest + ": ends " + printed("%.3g", static_cast<double>(most_missing) / out.rate_hz) +
                  " s before model.seconds, silence is taken for the rest; no file ends earlier");
  out.microphones = at::stack(heard);
  if (out.microphones.abs().max().item<double>() == 0)
    throw DataError(config.microphones[0].file + ": no sound at any microphone in the first " +
                    printed("%g", config.model->seconds()) + " s between low_hz and model.high_hz");
  if (!known.empty()) out.truth = at::stack(known);
  return out;
}

}  // namespace diffverb
