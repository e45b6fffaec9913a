#pragma once

#include <cstdint>
#include <filesystem>

#include "core/audio_file.h"
#include "core/tensor.h"
#include "datasets/measured_pair.h"
#include "train/export.h"
#include "train/fit/pair_model.h"
#include "train/run_folder.h"

namespace diffverb {

/// How near one sound comes to another.
struct SoundDistance {
  double nmse_db = 0;                   // 10 lg of the error's energy over the target's, all channels together
  double log_spectral_distance_db = 0;  // mean |difference| of the spectrogram in dB, down to 60 dB below its maximum
};

/// Reads    target, other [C, T]; no channel of the target silent. The spectrograms are those of the loss mr_stft:
///          Hann, 512, 1024 and 2048 samples
SoundDistance sound_distance(const at::Tensor& target, const at::Tensor& other, double sample_rate_hz);

/// Writes a fitted model as runtime weights.
/// Throws   DataError where the file cannot be written; NumericError where the runtime would refuse it
void export_pair_model(const PairModel& model, const std::filesystem::path& weights, const Provenance& provenance);

struct PairEffort {
  std::int64_t steps = 0;
  double seconds = 0;
};

/// Plays the pair's dry sound through the exported weights and writes dry.wav, wet.wav, out.wav, metrics.json, and of a
/// RoomModel target.wav and ir.wav. What is judged is what the runtime plays.
///
/// metrics.json: {"kind": "pair", "dry", "wet", "sample_rate_hz", "channels", "delay_samples", "removed_samples",
/// "correlation_peak_db", "unrelated_peak_db", "correlation_share", "unrelated_share", "held_back_from_s",
/// "training": {"nmse_db", "log_spectral_distance_db"}, "held_back": {the same}, "seconds", "steps", "parameters"}, and
/// of a RoomModel "response": what diffverb compare says of ir.wav.
void write_pair_results(const PairModel& model, const MeasuredPair& pair, std::int64_t held_back,
                        const RunFolder& folder, const PairEffort& effort);

}  // namespace diffverb
