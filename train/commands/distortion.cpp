#include "train/distortion.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/json_value.h"
#include "core/error.h"
#include "core/fields.h"
#include "core/solvers/nonlinear_solver.h"
#include "models/nonlinear_fdn.h"
#include "train/cli.h"
#include "train/network_config.h"
#include "train/worst_input.h"

namespace diffverb {
namespace {

struct DistortionOptions {
  std::string model;
  std::vector<std::string> set;
  std::vector<double> levels_db = {-60, -40, -20, -12, -6, 0, 12, 24};
  std::vector<double> search_db = {-20, 0, 24};
  double search_s = 0.5;
  int search_steps = 40;
  bool json = false;
};

/// What a search finds of a nonlinear loop, with its saturation and without, and what it cannot exceed.
struct Found {
  double input_db, peak, bound, unsaturated_peak;
};

/// None for models of other kinds.
std::vector<Found> search(const DistortionOptions& options) {
  if (!is_config(options.model) || options.search_steps == 0) return {};
  Fields fields = Fields::from_file(options.model, options.set);
  Fields map = fields.map("model");
  std::string type;
  map.required("type", type);
  const auto made = family<Model>().make_before_others(type, map);
  const auto* model = dynamic_cast<const NonlinearFdn*>(made.get());
  if (!model) return {};
  const at::NoGradGuard no_grad;
  const DelayNetwork network = model->network(at::kDouble);
  const auto samples = std::max<std::int64_t>(64, static_cast<std::int64_t>(options.search_s * network.sample_rate_hz));
  NonlinearLoop loop = model->loop(network, samples);
  std::vector<Found> rows;
  for (const double input_db : options.search_db) {
    const double size = std::pow(10.0, input_db / 20);
    const auto peak = [&](bool saturates) {
      loop.saturates = saturates;
      const auto play = [&](const at::Tensor& input) { return nonlinear_time_response(network, loop, input); };
      return find_worst_input(
                 play, {.inputs = network.inputs(), .samples = samples, .size = size, .steps = options.search_steps})
          .peak;
    };
    const double without = peak(false), with = peak(true);
    const auto bounds = output_bound(network, loop, size).outputs;
    rows.push_back({input_db, with, *std::max_element(bounds.begin(), bounds.end()), without});
  }
  return rows;
}

std::string cell(const std::optional<double>& value, int digits) {
  char text[32];
  if (!value) return "-";
  std::snprintf(text, sizeof text, "%.*f", digits, *value);
  return text;
}

void print(const std::vector<LevelMeasure>& rows, const std::vector<Found>& found) {
  std::printf(
      "| input dB | gain dB | 2nd harmonic dB | 3rd dB | 0 Hz dB | aliases dB | T60 s "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const LevelMeasure& row : rows) {
    std::printf("| %g | %s | %s | %s | %s | %s | %s |\n", row.level_db, cell(row.gain_db, 2).c_str(),
                cell(row.second_db, 1).c_str(), cell(row.third_db, 1).c_str(), cell(row.dc_db, 1).c_str(),
                cell(row.alias_db, 1).c_str(), cell(row.t60_s, 3).c_str());
  }
  if (found.empty()) return;
  std::printf("\n| input dB | loudest output found | bound | of it %% | without saturation |\n|---|---|---|---|---|\n");
  for (const Found& row : found) {
    std::printf("| %g | %.3f | %.3f | %.0f | %.4g |\n", row.input_db, row.peak, row.bound, 100 * row.peak / row.bound,
                row.unsaturated_peak);
  }
}

nlohmann::json to_json(const DistortionOptions& options, const std::vector<LevelMeasure>& rows,
                       const std::vector<Found>& found) {
  using acoustics::json_value;
  nlohmann::json list = nlohmann::json::array();
  for (const LevelMeasure& row : rows) {
    list.push_back({{"level_db", row.level_db},
                    {"gain_db", json_value(row.gain_db)},
                    {"second_db", json_value(row.second_db)},
                    {"third_db", json_value(row.third_db)},
                    {"dc_db", json_value(row.dc_db)},
                    {"alias_db", json_value(row.alias_db)},
                    {"t60_s", json_value(row.t60_s)}});
  }
  nlohmann::json searches = nlohmann::json::array();
  for (const Found& row : found) {
    const bool ends = std::isfinite(row.unsaturated_peak);
    searches.push_back({{"input_db", row.input_db},
                        {"peak", row.peak},
                        {"bound", row.bound},
                        {"unsaturated_peak", json_value(ends ? std::optional(row.unsaturated_peak) : std::nullopt)}});
  }
  return {{"model", options.model}, {"levels", list}, {"search", searches}};
}

void show_distortion(const DistortionOptions& options) {
  std::shared_ptr<const runtime::Model> model;
  if (is_config(options.model)) {
    model = playable_model(options.model, options.set);
  } else {
    if (!options.set.empty()) throw ConfigError("--set: " + options.model + " is no config (.yaml)");
    const auto loaded = runtime::load_model(options.model);
    if (!loaded.model) throw DataError(options.model + ": " + loaded.error);
    model = loaded.model;
  }
  std::vector<LevelMeasure> rows;
  for (const double level_db : options.levels_db) rows.push_back(measure_level(model, level_db));
  const auto found = search(options);
  if (!options.json) return print(rows, found);
  std::cout << to_json(options, rows, found).dump(2) << "\n";
}

}  // namespace

void add_distortion_command(Command& app, Context&) {
  auto options = std::make_shared<DistortionOptions>();
  Command* command = app.add_subcommand(
      "distortion", "How a model changes with the level of its input: harmonics, aliases, decay, bound");
  command->add_option("model", options->model, "weights (.safetensors), or the config of a reverberator (.yaml)")
      ->required();
  command->add_option("--set", options->set, "of a config: key.path=value; may stand several times")->take_all();
  command->add_option("--levels", options->levels_db, "peak levels of the input, dB of full scale")
      ->delimiter(',')
      ->check(in_range(-200.0, 60.0));
  command
      ->add_option("--search", options->search_steps,
                   "of a nonlinear_fdn's config: steps of the search for the input that makes it loudest; 0: none")
      ->check(in_range(0, 10000));
  command->add_option("--search-s", options->search_s, "length of that input")->check(in_range(0.001, 60.0));
  command->add_option("--search-db", options->search_db, "its peak levels")->delimiter(',')->check(in_range(-200.0, 60.0));
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Examples:\n  diffverb distortion configs/reverbs/nonlinear_fdn.yaml\n"
      "  diffverb distortion room.safetensors --levels=-40,-20,0 --json\n\n"
      "Harmonics and 0 Hz are those of a sine of 1 kHz, aliases those of one of 5 kHz, T60 after half a second of "
      "noise.\n"
      "The search climbs the gradient of the output's peak to the input, from several seeds.");
  command->callback([options] { show_distortion(*options); });
}

}  // namespace diffverb
