#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/field/field_errors.h"

namespace diffverb {

/// What `diffverb field` was asked for.
struct FieldOptions {
  std::filesystem::path config;  // with `resume`: empty
  std::filesystem::path out;     // run folder
  std::vector<std::string> overlays;
  bool overwrite = false;
  bool resume = false;  // go on from the checkpoint in `out`
};

/// How it ended.
struct FieldOutcome {
  std::filesystem::path folder;
  std::int64_t steps = 0, positions = 0;
  double seconds = 0;
  bool stopped = false;               // by a signal: no sounds yet
  std::optional<FieldErrors> errors;  // where the truth is known somewhere
};

/// Reconstructs the responses at places without a microphone from those at a few microphones and the wave equation, and
/// writes the run folder: position_1.wav, position_2.wav, ... in the config's order, metrics.json where truth is known,
/// checkpoint, losses.jsonl, log.
///
/// The sounds are of the band that was asked for, at the microphones' rate and level.
///
/// Throws   DataError, ConfigError, NumericError as their kinds say
FieldOutcome reconstruct_field(const FieldOptions& options);

}  // namespace diffverb
