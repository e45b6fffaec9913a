#include "train/report/training_data.h"

#include <cmath>
#include <limits>

#include "core/acoustics/comparison.h"
#include "core/error.h"
#include "core/files.h"

namespace diffverb::report {
namespace {

namespace fs = std::filesystem;

constexpr double kDistanceStep_db = 2;  // another realisation of the same noise is some 1.7 dB off

template <class Read>
void read_if_there(TrainingRun& run, const char* file, const char* what_is_left_out, Read read) {
  const fs::path path = run.folder / file;
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return read(path);
  run.missing.push_back(std::string("There is no ") + file + " in this run folder: " + what_is_left_out + ".");
}

}  // namespace

bool is_training_run(const fs::path& folder) {
  std::error_code ignored;  // only a training on a data set says what its data are
  return fs::is_regular_file(folder / "data.json", ignored);
}

TrainingRun read_training_run(const fs::path& folder) {
  if (!is_training_run(folder))
    throw DataError(folder.string() + ": no run folder of diffverb train: it has no data.json");
  TrainingRun run;
  run.folder = folder;
  run.name = fs::weakly_canonical(folder).filename().string();
  run.data = read_json_object(folder / "data.json");
  read_if_there(run, "losses.jsonl", "the learning curves are left out",
                [&](const fs::path& path) { run.losses = read_loss_log(path); });
  read_if_there(run, "validation.jsonl", "the validation curves are left out",
                [&](const fs::path& path) { run.validation = read_loss_log(path); });
  read_if_there(run, "config.resolved.yaml", "the settings are left out",
                [&](const fs::path& path) { run.config_yaml = read_file(path); });
  read_if_there(run, "log", "the log is left out", [&](const fs::path& path) { run.log = read_file(path); });
  return run;
}

double badness(const Reconstruction& r) {
  double sum = 0;
  int known = 0;
  const auto add = [&](const std::optional<double>& error, double step) {
    if (!error || !std::isfinite(*error)) return;
    sum += std::abs(*error) / step;
    ++known;
  };
  const bool lost = r.t20_s && !r.t20_1k_error_pct;  // it does not decay as its target does
  add(lost ? std::optional<double>(100) : r.t20_1k_error_pct, acoustics::kJndTPct);
  add(r.edt_1k_error_pct, acoustics::kJndEdtPct);
  add(r.c80_1k_error_db, acoustics::kJndC80Db);
  add(r.lsd_smoothed_db, kDistanceStep_db);
  return known > 0 ? sum / known : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace diffverb::report
