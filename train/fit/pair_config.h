#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/measured_pair.h"
#include "train/fit/fit.h"
#include "train/fit/pair_model.h"
#include "train/training/trainer.h"

namespace diffverb {

/// What the map `pair` says of a fit to a pair (train/fit/pair_fit.h).
struct PairSettings {
  double held_back = 0.2, excerpt_s = 1.5;
  std::optional<double> run_in_s, response_s;
  std::int64_t lead_samples = kSamplesBeforeOnset;
};

/// A config for a fit to a pair, read and checked.
struct PairConfig {
  std::uint64_t seed = 1;
  std::string device = "cpu", why_device;
  std::int64_t threads = 1;
  PairSettings pair;
  std::unique_ptr<PairModel> model;
  std::vector<WeightedLoss> losses, response_losses;
  std::unique_ptr<Trainer> trainer;
  std::string resolved;
};

/// The map `pair` alone: what has to be known before the pair is read. Throws a ConfigError.
PairSettings read_pair_settings(const FitOptions& options);

/// Throws   ConfigError
PairConfig read_pair_config(const FitOptions& options, const MeasuredPair& pair);

}  // namespace diffverb
