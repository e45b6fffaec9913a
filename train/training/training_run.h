#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "datasets/dataset.h"
#include "models/model.h"
#include "train/training/trainer.h"

namespace diffverb {

/// What `diffverb train` was asked for.
struct TrainOptions {
  std::filesystem::path config;  // with `resume`: empty for the run's own
  std::filesystem::path out;     // run folder
  bool resume = false;           // go on in `out`
  bool overwrite = false;
  std::vector<std::string> overlays;  // --set key.path=value
  /// How model and data set are made; tests give parts of their own. Empty: from the families.
  std::function<std::unique_ptr<Model>(Fields&)> make_model;
  std::function<std::unique_ptr<Dataset>(Fields&)> make_data;
};

/// How it ended, on this rank.
struct TrainOutcome {
  std::filesystem::path folder;
  Trainer::Outcome training;
  bool is_first_rank = true;  // the one that writes and speaks
};

/// Trains a model on a data set as a config says and writes the run folder, alone or as one rank of several
/// (train/training/distributed.h).
///
///     seed: 1            device: cpu        threads: 0     0: all cores, shared by the ranks of a machine
///     data: {type: rirs, ...}               model: {type: spectral_autoencoder, ...}
///     losses: [{type: mse, of: spectrogram}]
///     train: {...}       train/training/trainer.cpp reads it
///     loader: {workers: 2, batches_ahead: 4}
///
/// The folder gets config.resolved.yaml, checkpoints, losses.jsonl, validation.jsonl, events, log, data.json (how many
/// examples, under which licences) and, once done, model.safetensors (train/model_file.h): the weights that validated
/// best, averaged where `ema_decay` says so. Nothing is written before config and data have proven good.
///
/// A run goes on with the config it had. Keys that change no result may differ (threads, rhythm of checkpoints, where
/// the data lie); the number of ranks may, because batch_size counts over all of them. The data must be the same: a
/// checkpoint keeps their Dataset::fingerprint(). A run that fails before its first checkpoint leaves no folder.
///
/// Throws   ConfigError, also for a checkpoint of another config, naming each key that differs, or of other data;
///          DataError, NumericError;
///          Error where another rank has died or failed
TrainOutcome train_model(const TrainOptions& options);

}  // namespace diffverb
