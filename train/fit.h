#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace diffverb {

/// What `diffverb fit` was asked for.
struct FitOptions {
  std::filesystem::path input, out;
  std::filesystem::path config;       // empty: the built-in configs/fdn_fit.yaml
  std::vector<std::string> overlays;  // --set key.path=value
  bool overwrite = false;
  bool resume = false;                 // go on from the checkpoint in `out`
  std::vector<std::string> arguments;  // the command line, for provenance
};

/// How a fit ended.
struct FitOutcome {
  std::filesystem::path folder;
  double seconds = 0;
  std::int64_t steps = 0;
  bool stopped = false;  // by a signal: no weights yet, but a checkpoint that resumes
};

/// Fits a delay network to one measured response and writes the run folder: weights, sounds, metrics, report.
///
/// The input and the config are read and checked before anything is written. metrics.json, ir.wav and report.html are
/// made from the exported weights as the runtime plays them, never from the model.
///
/// Throws   DataError, ConfigError, NumericError as their kinds say
FitOutcome fit_response(const FitOptions& options);

/// What the run in `folder` was given, to go on with it. Throws a DataError where the folder holds no resumable fit.
FitOptions resume_options(const std::filesystem::path& folder);

/// The text of configs/fdn_fit.yaml, built in.
const char* default_fit_config();

}  // namespace diffverb
