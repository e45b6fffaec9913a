#pragma once

#include <cstdint>

#include "core/spectral/stft.h"
#include "core/tensor.h"

namespace diffverb {

struct LogSpectrogramOptions {
  std::int64_t fft_size = 1024, hop_size = 256, frames = 128;
  double span_db = 80;        // what lies further below the loudest bin counts as this far below it
  double smallest_power = 0;  // in absolute terms: smaller |S|^2 counts as this
  bool fixed_span = false;    // the scale reaches span_db down from the maximum, whatever the response's minimum is
  Padding padding = Padding::kReflect;
};

/// A spectrogram in dB brought to [0, 1], and the scale that brings it back.
struct LogSpectrogram {
  at::Tensor values;           // [B, F, K]; frames after the response's end are 0
  at::Tensor low_db, high_db;  // [B]: what 0 and 1 stand for, 10 log10 |S|^2
};

/// What a spectral autoencoder looks at.
///
///   L = max(10 log10 max(|S|^2, smallest_power), max L - span_db),   values = (L - low) / (high - low)
///   high = max L,  low = min L, or high - span_db with fixed_span;  over the whole response, then cut to `frames`
///
/// Reads    ir [B, T], float32 or float64, on any device
/// Returns  values [B, fft_size / 2 + 1, frames]; 0 everywhere for a silent response
/// Gradient none: targets are not learned
/// Throws   ContractError where the transform does (stft.h), or frames < 1 or span_db <= 0
/// Source   librosa's power_to_db and min-max scaling, as NeuralReverberator (Steinmetz 2018) combines them
LogSpectrogram log_spectrogram(const at::Tensor& ir, const LogSpectrogramOptions& options);

/// Back to |S|^2: 10^((low + values (high - low)) / 10). Differentiable in the values, [B, F, K].
at::Tensor power_of(const LogSpectrogram& spectrogram);

}  // namespace diffverb
