#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/sine_field.h"
#include "train/training/trainer.h"

namespace diffverb {

/// A place, and the file with the response that was measured there; "" where none was.
struct FieldPlace {
  std::vector<double> position_m;
  std::string file;
};

/// What `diffverb field` was given (configs/field.yaml says what each key is).
struct FieldConfig {
  std::string device = "cpu", why_device;  // why: where it was left to the program
  std::int64_t threads = 1;
  double low_hz = 100;
  std::vector<FieldPlace> microphones, positions;
  std::unique_ptr<SineField> model;
  std::vector<WeightedLoss> losses;
  std::unique_ptr<Trainer> trainer;
  std::string resolved;
};

/// Throws   ConfigError, also for places outside the room and for bands that are none
FieldConfig read_field_config(const std::filesystem::path& path, const std::vector<std::string>& overlays = {});

/// Their positions, [N, D] float64.
at::Tensor positions_of(const std::vector<FieldPlace>& places);

/// The responses at microphones and, where they are known, at the other places: the band from low_hz to high_hz of each
/// (Butterworth of order 6, causal), cut or continued with silence to the model's duration.
struct FieldSounds {
  double rate_hz = 0;
  at::Tensor microphones;           // [M, T] float64
  at::Tensor truth;                 // [K, T], of the places that have a file
  std::vector<std::int64_t> known;  // [K] which those are
};
/// Throws   DataError where a file is no mono sound, another rate than the first has, or too low a one for the band
FieldSounds read_field_sounds(const FieldConfig& config);

}  // namespace diffverb
