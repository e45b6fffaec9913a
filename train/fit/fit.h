#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace diffverb {

/// What `diffverb fit` was asked for.
struct FitOptions {
  std::filesystem::path input, out;
  std::filesystem::path dry;     // what was played where `input` was recorded: for fit_pair() (train/fit/pair_fit.h)
  std::filesystem::path config;  // empty: the built-in configs/fdn_fit.yaml
  std::string config_text;       // what stands in `config`, where it has been read already
  std::vector<std::string> overlays;  // --set key.path=value
  bool overwrite = false;
  bool resume = false;                 // go on from the checkpoint in `out`
  std::vector<std::string> arguments;  // the command line, for provenance
  /// How much of the fit is behind, 0 to 1; then no progress bar is shown. May be empty.
  std::function<void(double share)> on_progress;
};

/// How a fit ended.
struct FitOutcome {
  std::filesystem::path folder;
  double seconds = 0;
  std::int64_t steps = 0;
  bool stopped = false;    // by a signal: no weights yet
  bool resumable = false;  // stopped with a checkpoint; else before there was anything to keep, and no folder is left
};

/// Fits a delay network to one measured response and writes the run folder: weights, sounds, metrics, report.
///
/// The input and the config are read and checked before anything is written. metrics.json, ir.wav and report.html are
/// made from the exported weights as the runtime plays them, never from the model. Several may run at once, each in a
/// thread with a ThreadLog (train/fit/fit_batch.h).
///
/// Throws   DataError, ConfigError, NumericError as their kinds say
FitOutcome fit_response(const FitOptions& options);

/// Reads and checks a config for several fits that share it: fit_response() of what comes back does not read it again.
/// Throws   ConfigError
FitOptions with_config_read(FitOptions options);

/// What `threads` says in a config with its overlays. Throws a ConfigError as with_config_read().
std::int64_t configured_threads(const FitOptions& options);

/// What the run in `folder` was given, to go on with it. Throws a DataError where the folder holds no resumable fit.
FitOptions resume_options(const std::filesystem::path& folder);

/// The text of configs/fdn_fit.yaml, built in.
const char* default_fit_config();

}  // namespace diffverb
