#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/spectral/griffin_lim.h"
#include "core/tensor.h"
#include "runtime/response_bank.h"
#include "runtime/stereo_width.h"

namespace diffverb {

struct BankOptions {
  std::array<std::int64_t, 3> sizes = {10, 10, 10};  // of the grid along the first three latent coordinates
  double low = -2, high = 2;                         // the grid's ends
  std::int64_t latent = 3;                           // coordinates of a latent point; those after the third stay 0
  double step = 0.01;  // standard deviation of the right channel's step away from the left one's point
  /// Instead of the step: left and right as runtime/stereo_width.h has them.
  std::optional<runtime::StereoWidth> width;
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
  double mean_convergence = 0, worst_convergence = 0;  // 0 where no phases were sought
  /// |correlation| of left and right in the octave around 1 kHz and over all frequencies, means over the grid.
  double coherence_1k = 0, coherence = 0;
};

/// Throws a ContractError for a grid that has too many points a side, or sides that a latent point has no coordinate
/// for, and for a provenance that is not the text of a JSON object.
void check_bank_grid(const std::array<std::int64_t, 3>& sizes, std::int64_t latent, const std::string& provenance);
/// The point along each axis that a bank holds at an index: the last axis runs fastest.
std::array<std::size_t, 3> bank_point(const std::array<std::int64_t, 3>& sizes, std::int64_t index);
/// The points of a grid along each axis; the middle of the box where there is one point alone.
std::vector<double> bank_axis(std::int64_t size, double low, double high);

/// Adds pairs [P, 2, T] to a bank, each to unit energy (the mean of its channels) where that is asked for, and to its
/// coherences, means over `count` pairs in all.
void add_pairs(at::Tensor pairs, std::int64_t count, bool same_level, Bank& bank);

/// Latent points [B, latent] -> the decoder's spectrograms [B, F, T] or [B, 1, F, T], 0..1 over span_db.
using Decoder = std::function<at::Tensor(const at::Tensor& latent)>;

/// Decodes a grid of latent points and finds the sound of each: left at the point z, right at z - e, e ~ N(0, step^2),
/// with phases of its own; or, with a width, a pair of that width.
///
///   magnitude = 10^((clamp(value, 0, 1) - 1) span_db / 20), then griffin_lim (core/spectral/griffin_lim.h)
///
/// The seed decides all that is random, point by point, whatever the batch; another batch may round otherwise. Shows
/// its progress on stderr.
/// Throws   ContractError where an option is out of range or the decoder returns another shape; NumericError where its
///          values are not finite (the point is named)
Bank make_bank(const Decoder& decode, const BankOptions& options);

/// Each point of a bank as a stereo WAV file x_y_z.wav in a folder, which is made; x, y, z count grid steps from 0.
/// Throws   DataError where a file cannot be written
void write_bank_wavs(const runtime::ResponseBank& bank, const std::filesystem::path& folder);

}  // namespace diffverb
