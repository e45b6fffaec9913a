#include "datasets/measure/sweep.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/files.h"
#include "core/files_together.h"
#include "datasets/measure/inverse.h"
#include "train/commands/data/commands.h"
#include "train/commands/data/outputs.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct SweepArguments {
  fs::path out;
  Sweep sweep;
  std::vector<double> range_hz;  // none: all that is heard and that the rate has
  bool no_pilots = false, overwrite = false;
};

void write_sweep(SweepArguments options) {
  Sweep& sweep = options.sweep;
  if (options.range_hz.empty()) options.range_hz = {20, std::min(20000.0, 0.49 * sweep.rate_hz)};
  if (options.range_hz.size() != 2)
    throw ConfigError("--range-hz: " + std::to_string(options.range_hz.size()) + " values, expected LOW,HIGH");
  sweep.low_hz = options.range_hz[0];
  sweep.high_hz = options.range_hz[1];
  sweep.pilots = !options.no_pilots;
  sweep.check();
  const fs::path json = fs::path(options.out).replace_extension(".json");
  const fs::path inverse = fs::path(options.out).replace_extension(".inverse.wav");
  check_outputs({options.out}, {json, inverse}, options.overwrite);
  const auto sound = sweep.sound();
  FilesTogether files;
  files.write(options.out, [&](const fs::path& at) { write_audio(at, audio_of(sound.unsqueeze(0), sweep.rate_hz)); });
  const auto inverted = inverse_filter(sweep.excitation(), sweep.rate_hz, sweep.low_hz, sweep.high_hz);
  files.write(inverse, [&](const fs::path& at) { write_audio(at, audio_of(inverted.unsqueeze(0), sweep.rate_hz)); });
  files.write(json, [&](const fs::path& at) { write_file_atomically(at, sweep_json(sweep)); });
  files.commit();
  std::printf("%s: %.2f s, %s, %lld repetition%s; %s for diffverb data deconvolve, %s for other programs\n",
              options.out.c_str(), static_cast<double>(sound.size(0)) / sweep.rate_hz, sweep.type.c_str(),
              static_cast<long long>(sweep.repeat), sweep.repeat == 1 ? "" : "s", json.c_str(), inverse.c_str());
}

}  // namespace

void add_data_sweep_command(Command& data, Context&) {
  auto options = std::make_shared<SweepArguments>();
  Sweep& sweep = options->sweep;
  Command* command = data.add_subcommand("sweep", "What to play in a room to measure it, and the settings beside it");
  command->add_option("--out", options->out, "WAV to play; .json and .inverse.wav are written beside it")->required();
  command->add_option("--type", sweep.type, "exponential sine sweep, time-stretched pulse or maximum-length sequence")
      ->capture_default_str()
      ->check(one_of({"ess", "tsp", "mls"}));
  command->add_option("--seconds", sweep.seconds, "length of one repetition (mls: of 2^n - 1 samples, or more)")
      ->capture_default_str();
  command->add_option("--range-hz", options->range_hz, "LOW,HIGH (default 20,20000; at a low rate up to 0.49 of it)")
      ->delimiter(',');
  command->add_option("--rate", sweep.rate_hz, "sample rate, Hz")->capture_default_str();
  command->add_option("--repeat", sweep.repeat, "repetitions; three or more let a cough be left out")
      ->capture_default_str();
  command->add_option("--gap", sweep.gap_s, "silence behind each repetition in seconds: the longest response")
      ->capture_default_str();
  command->add_option("--fade-ms", sweep.fade_ms, "at both ends of an ess or tsp")->capture_default_str();
  command->add_option("--level-dbfs", sweep.level_dbfs, "of the largest sample")->capture_default_str();
  command->add_flag("--no-pilots", options->no_pilots, "without the chirps at both ends that show a clock's drift");
  command->add_flag("--overwrite", options->overwrite, "write over files that are there");
  command->footer(
      "ess separates what a loudspeaker distorts from the response and is the best choice. mls spreads every\n"
      "disturbance evenly, but distortion and drift stay in the response.\n\n"
      "Examples:\n"
      "  diffverb data sweep --out sweep.wav\n"
      "  diffverb data sweep --out sweep.wav --seconds 15 --repeat 4 --gap 5        a church, with people in it\n"
      "  diffverb data deconvolve recording.wav --sweep sweep.json --out ir.wav");
  command->callback([options] { write_sweep(*options); });
}

}  // namespace diffverb
