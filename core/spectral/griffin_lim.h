#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/spectral/stft.h"
#include "core/tensor.h"

namespace diffverb {

/// Which iteration looks for the phases.
enum class PhaseMethod {
  kGriffinLim,          ///< Griffin and Lim 1984; with momentum the fast one of Perraudin, Balazs and Sondergaard 2013
  kAveragedReflections  ///< relaxed averaged alternating reflections, Luke 2005, then Griffin-Lim: a nearer end, sooner
};

struct GriffinLimOptions {
  std::int64_t fft_size = 1024, hop_size = 256;
  PhaseMethod method = PhaseMethod::kGriffinLim;
  std::int64_t iterations = 1000;  // at most
  double momentum = 0.99;          // of Griffin-Lim, [0, 1]; 0 is the one of 1984
  double relaxation = 0.85;        // of the averaged reflections, (0, 1)
  double averaged_part = 0.8;      // the part of the iterations that are averaged reflections, [0, 1]
  std::int64_t check_every = 20;   // iterations between two looks at tolerance and target
  double tolerance = 0;  // stop Griffin-Lim when an iteration improves the spectral convergence by less; 0: never
  double target = 0;     // stop at this spectral convergence
  Padding padding = Padding::kReflect;
  std::optional<std::int64_t> samples;  // default hop_size (T - 1)
  std::uint64_t seed = 0;
  std::int64_t first_row =
      0;               // row b draws from (seed, first_row + b): a batch in parts gives what the whole one gives
  at::Tensor start;    // first phases as complex numbers of modulus 1, [B, F, T]; default random
  bool kernel = true;  // false: tensor operations on the CPU too
};

struct GriffinLimResult {
  at::Tensor signal;                     // [B, samples], on the magnitudes' device
  std::vector<double> convergence;       // [B] || |S(x)| - M || / || M || of the signal, 0 where M is 0
  std::vector<std::int64_t> iterations;  // [B] that were made
};

/// Signals whose short-time transforms have given magnitudes, as nearly as there are any: the phases are sought by
/// going to and fro between "has these magnitudes" (P) and "is the transform of a signal" (S I, stft and istft).
///
///   Griffin-Lim           x_{n+1} = I P S(x_n - g x_{n-1}),   g = momentum / (1 + momentum)
///   averaged reflections  c_{n+1} = r (S I (2 P c_n - c_n) + c_n) + (1 - 2 r) P c_n,   x = I P c
///
/// The first is torchaudio.functional.griffinlim with the same start phases, to rounding. The second leaves the poor
/// local ends in which the first is caught, but wanders about a good one: Griffin-Lim takes the last steps.
///
/// Reads    magnitude [B, F, T] >= 0, F = fft_size / 2 + 1, float32 or float64, on any device. float32 on the CPU with
///          a transform of 512, 1024 or 2048 points goes through griffin_lim_kernel.h, a response on each thread
/// Returns  the same for any number of threads; no gradient
/// Throws   ContractError where a shape or an option is out of range, or a magnitude is negative or not finite (its
///          index is named)
GriffinLimResult griffin_lim(const at::Tensor& magnitude, const GriffinLimOptions& options);

/// || |stft(signal)| - magnitude ||_F / || magnitude ||_F of each row: [B] of [B, samples] and [B, F, T].
at::Tensor spectral_convergence(const at::Tensor& signal, const at::Tensor& magnitude, std::int64_t fft_size,
                                std::int64_t hop_size, Padding padding);

}  // namespace diffverb
