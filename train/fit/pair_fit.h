#pragma once

#include "train/fit/fit.h"

namespace diffverb {

/// Fits a model to a pair: options.dry was played into a space, options.input was recorded there.
///
///     pair: {held_back: 0.2, excerpt_s: 1.5, run_in_s: null, response_s: null, lead_samples: 64}
///     model: {...}    any RoomModel, ResponseModel or SignalModel (train/fit/pair_model.h); inputs, outputs and
///                     sample_rate_hz are the pair's where the config says nothing
///     losses: [...]             of wet against wet, on excerpts
///     response_losses: [...]    of a RoomModel's response against the one that division of wet by dry gives
///     train: {...}              as of diffverb train
///
/// run_in_s is what of the dry sound before an excerpt is heard: by default as long as the model's response. response_s
/// is how long a response division looks for: by default 4 s, or a quarter of what there is to train on.
///
/// Writes the run folder: weights.safetensors, dry.wav and wet.wav as they were aligned, out.wav (dry.wav as the
/// runtime plays it), metrics.json and report.html, both of out.wav; of a linear model also target.wav, what division
/// gave, and ir.wav, what the runtime plays. The weights are those of the last step: the held-back part chooses
/// nothing.
///
/// Throws   DataError, ConfigError, NumericError as their kinds say, before anything is written where the input is
/// wrong
FitOutcome fit_pair(const FitOptions& options);

/// The text of configs/pair_fit.yaml, built in.
const char* default_pair_config();

}  // namespace diffverb
