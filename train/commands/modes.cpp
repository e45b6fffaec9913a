#include "core/network/modes.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/acoustics/json_value.h"
#include "core/error.h"
#include "core/network/mode_summary.h"
#include "core/progress.h"
#include "runtime/weights.h"
#include "train/cli.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

struct ModesOptions {
  std::string model;
  std::vector<std::string> set;
  std::int64_t input = 1, output = 1;
  bool json = false;
};

void print(const std::string& model, const ModeSummary& s) {
  std::printf("%s: %zu poles, %.3f a hertz\n", model.c_str(), s.poles, s.density_per_hz);
  std::printf("  T60 of the modes       %.3f s shortest, %.3f s median, %.3f s longest\n", s.t60_shortest_s,
              s.t60_median_s, s.t60_longest_s);
  std::printf("  levels, 200 Hz - 4 kHz %.2f dB standard deviation\n", s.spread_db);
  std::printf(
      "  rings on alone         %.1f dB above its neighbours at %.1f Hz, when the median mode has fallen by 60 dB\n",
      s.loudest_late_db, s.loudest_late_hz);
}

void show_modes(const ModesOptions& options) {
  DelayNetwork network;
  if (is_config(options.model)) {
    network = to_network(network_of_config(options.model, options.set));
  } else {
    const auto loaded = runtime::load_model(options.model);
    if (!loaded.model) throw DataError(options.model + ": " + loaded.error);
    network = to_network(loaded.model->network);
  }
  if (network.lines() == 0)
    throw DataError(options.model + ": is a response without delay lines, which has no modes to be found");
  if (options.input > network.inputs() || options.output > network.outputs())
    throw ConfigError(options.model + ": has " + std::to_string(network.inputs()) + " input(s) and " +
                      std::to_string(network.outputs()) + " output(s)");
  Progress progress("modes", 1000);
  ModeOptions search;
  search.input = options.input - 1;
  search.output = options.output - 1;
  search.on_progress = [&](double share) { progress.update(static_cast<std::int64_t>(1000 * share), std::nan("")); };
  std::vector<Mode> modes;
  try {
    modes = modes_of(network, search);
  } catch (const ContractError& error) {
    throw DataError(options.model + ": " + error.what());
  }
  const ModeSummary s = summarize(modes, network.sample_rate_hz);
  if (!options.json) return print(options.model, s);
  nlohmann::json list = nlohmann::json::array();
  for (const Mode& mode : modes) {
    list.push_back(
        {{"hz", mode.hz},
         {"t60_s", acoustics::json_value(std::isfinite(mode.t60_s) ? std::optional(mode.t60_s) : std::nullopt)},
         {"level_db",
          acoustics::json_value(std::abs(mode.residue) > 0 ? std::optional(20 * std::log10(std::abs(mode.residue)))
                                                           : std::nullopt)}});
  }
  const nlohmann::json out{
      {"model", options.model},
      {"rate_hz", network.sample_rate_hz},
      {"poles", s.poles},
      {"density_per_hz", s.density_per_hz},
      {"t60_s", {{"shortest", s.t60_shortest_s}, {"median", s.t60_median_s}, {"longest", s.t60_longest_s}}},
      {"spread_db", s.spread_db},
      {"loudest_late_db", s.loudest_late_db},
      {"loudest_late_hz", s.loudest_late_hz},
      {"modes", list}};
  std::cout << out.dump(2) << "\n";
}

}  // namespace

void add_modes_command(Command& app, Context&) {
  auto options = std::make_shared<ModesOptions>();
  Command* command = app.add_subcommand("modes", "The decaying oscillations that a delay network consists of");
  command->add_option("model", options->model, "weights (.safetensors), a build of pyFDN (.json), or a config (.yaml)")
      ->required();
  command
      ->add_option("--set", options->set,
                   "of a config: key.path=value, over what stands in it; may stand several times")
      ->take_all();
  command->add_option("--input", options->input, "from which, counted from 1")->check(positive_number());
  command->add_option("--output", options->output, "to which, counted from 1")->check(positive_number());
  command->add_flag("--json", options->json, "JSON with every mode on stdout");
  command->footer(
      "Examples:\n  diffverb modes room_fit/weights.safetensors\n"
      "  diffverb modes configs/reverbs/schroeder.yaml --set model.sample_rate_hz=16000 --json\n\n"
      "The equaliser and the early part of a fitted room are no part of the network.");
  command->callback([options] { show_modes(*options); });
}

}  // namespace diffverb
