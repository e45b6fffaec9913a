#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/spectral/griffin_lim.h"
#include "runtime/response_bank.h"

namespace diffverb {

struct BankOptions {
  std::array<std::int64_t, 3> sizes = {10, 10, 10};  // of the grid along the first three latent coordinates
  double low = -2, high = 2;                         // the grid's ends
  std::int64_t latent = 3;                           // coordinates of a latent point; those after the third stay 0
  double width = 0.01;  // standard deviation of the right channel's step away from the left one's point
  double span_db = 80;  // what the decoder's 0..1 stands for; the published generator took 120
  double sample_rate_hz = 16000;
  bool same_level = true;  // each pair to unit energy, the mean of its channels
  std::uint64_t seed = 0;
  std::int64_t batch = 64;  // points at a time
  GriffinLimOptions phases = {.method = PhaseMethod::kAveragedReflections, .iterations = 100};
  std::string provenance = "{}";  // JSON text of an object; how the bank was made is added to it
};

/// The generator of NeuralReverberator: 1000 iterations of fast Griffin-Lim on a span of 120 dB, each at its own level.
BankOptions published_bank_options();

/// A bank and how well it came out.
struct Bank {
  runtime::ResponseBank responses;
  double mean_convergence = 0, worst_convergence = 0;
  /// |correlation| of left and right in the octave around 1 kHz and over all frequencies, means over the grid.
  double coherence_1k = 0, coherence = 0;
};

/// Latent points [B, latent] -> the decoder's spectrograms [B, F, T] or [B, 1, F, T], 0..1 over span_db.
using Decoder = std::function<torch::Tensor(const torch::Tensor& latent)>;

/// Decodes a grid of latent points and finds the sound of each: left at the point z, right at z - e, e ~ N(0, width^2).
///
///   magnitude = 10^((clamp(value, 0, 1) - 1) span_db / 20), then griffin_lim (core/spectral/griffin_lim.h)
///
/// The seed decides all that is random, point by point, whatever the batch; another batch may round otherwise. Shows
/// its progress on stderr. Throws   ContractError where an option is out of range or the decoder returns another shape;
/// NumericError where its
///          values are not finite (the point is named)
Bank make_bank(const Decoder& decode, const BankOptions& options);

/// Each point of a bank as a stereo WAV file x_y_z.wav in a folder, which is made; x, y, z count grid steps from 0.
/// Throws   DataError where a file cannot be written
void write_bank_wavs(const runtime::ResponseBank& bank, const std::filesystem::path& folder);

}  // namespace diffverb
