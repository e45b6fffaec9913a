#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace diffverb {

/// One measurement: medians of runs that take turns, ours and the peer's, on the same inputs and threads.
struct BenchResult {
  std::string name, size, peer;  // peer is empty where there is none
  double ours_ms = 0;
  std::optional<double> peer_ms;
  int examples = 0;  // of a training step: examples a second are printed too
  /// What else was measured: keys of the JSON, printed behind the row.
  std::vector<std::pair<std::string, double>> figures;
};

struct Bench {
  std::string name;
  std::vector<std::function<BenchResult()>> sizes;
  bool only_by_name = false;
};

/// solver  H and its gradient by frequency_response, against at::linalg_solve with autograd
/// time    output and gradient by time_response, against a loop over samples in C++
/// roofline  what this machine can do, and the share of it that the frequency solver reaches
/// flamo_colorless, flamo_e8  training steps of FLAMO's examples, against FLAMO in a Python process
/// engine  a minute of stereo through the runtime engine, against zita-rev1, Dattorro and Freeverb of Faust, LSP Impulse
///         Reverb and sox in processes of their own
/// griffin_lim  phase reconstruction, against torchaudio in a Python process
/// image_source  the images of a room, against pyroomacoustics in a Python process
/// losses  value and gradient of each loss that auraloss has too, against it in a Python process
/// autoencoder  a training step of the published network, against PyTorch in a Python process
/// growth  the solvers' cost over lines, bins, samples and networks; only when asked for by name
/// precision  how far float32 leads from float64 as a loop comes near to keeping its energy; only when asked for by name
/// fit  a whole fit of a room, against pyFDN in a Python process; only when asked for by name
/// gpu  on a GPU: the solvers against the card's bound and the CPU, a step of a fit, a training step against PyTorch
///      there; only when asked for by name
/// Throws   NumericError where ours and the peer's results differ by more than 1e-4 of the largest value
std::vector<Bench> all_benches();

int bench_threads();

}  // namespace diffverb
