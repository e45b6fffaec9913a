#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/moving_responses.h"
#include "runtime/nonlinear_loop.h"
#include "runtime/terms/term.h"

namespace diffverb::runtime {

/// Second-order section H(z) = (b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2).
struct Biquad {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};

/// How the delay of a line moves while the network plays, at t = n / sample_rate_hz from reset() on; several of one line
/// add up.
///
///     m_j(t) = delays[line] + depth_samples ((1 - level) sine + level noise)
///     sine   = sin 2 pi (rate_hz t + phase_turns)
///     noise  = 1/3 sum over k = 0, 1, 2 of sin(2 pi (k + 1) (rate_hz t + noise_phase_turns)) / (k + 1)
///     level  = how loud the input is: mean square of all inputs by one pole of 100 ms, -40 .. -10 dB to 0 .. 1
///
/// The line is then read by Lagrange's cubic interpolation of the samples -1, 0, 1, 2 around the place.
struct DelayMotion {
  int line = 0;
  double depth_samples = 0, rate_hz = 1, phase_turns = 0, noise_phase_turns = 0.25;
};

/// How two components turn together: r(t) [cos -sin; sin cos](theta(t)).
///
///     r(t)              = radius (1 - radius_depth (1 + sin 2 pi (radius_rate_hz t + radius_phase_turns)) / 2)
///     theta(t) / (2 pi) = angle_turns + angle_depth_turns sin 2 pi (angle_rate_hz t + angle_phase_turns) + turn_hz t
struct TurningPair {
  double radius = 1, radius_depth = 0, radius_rate_hz = 1, radius_phase_turns = 0;
  double angle_turns = 0, angle_depth_turns = 0, angle_rate_hz = 1, angle_phase_turns = 0, turn_hz = 0;
};

/// A delay network as the weights file holds it (kind "delay_network"):
///
///     s_j(n) = (h_j * v_j)(n - m_j)          v(n) = A s(n) + B u(n)
///     y_o    = t_o * (C s + D u)_o + sum_i early[o,i] * u_i + terms_o(u)
///
/// with h_j the line_sections biquads of line j and t_o the output_sections biquads of output o. Matrices are
/// row-major. A line of 0 samples is a filter line, s_j(n) = (h_j * v_j)(n): a filter anywhere in the network; such
/// lines may feed one another, but not in a loop. A line with the rows of A and B and the filter of another one is a
/// tap in it, and costs one read. A network without lines plays its early part, its moving responses
/// or its terms, one of which must then be there.
struct DelayNetworkWeights {
  double sample_rate_hz = 0;
  double early_ms = 0;      ///< the length of the early part that the fit was given; early_samples is what plays
  int lines = 0;            // N; 0: only the early part plays
  int inputs = 0;           // I
  int outputs = 0;          // O
  int line_sections = 0;    // K
  int output_sections = 0;  // Ko
  int early_samples = 0;    // L
  /// The loop may keep its energy and ring for ever (gain 1 to within single precision), as the prototypes of research
  /// do; without this such a loop is refused.
  bool lossless = false;

  std::vector<float> A;              // [N, N]
  std::vector<float> B;              // [N, I]
  std::vector<float> C;              // [O, N]
  std::vector<float> D;              // [O, I]
  std::vector<std::int32_t> delays;  // [N], whole samples, 0 for a filter line
  std::vector<double> line_sos;      // [N, K, 5] b0 b1 b2 a1 a2
  std::vector<double> output_sos;    // [O, Ko, 5]
  std::vector<float> early;          // [O, I, L]
  MovingResponses moving;            // beside all that; none where its count is 0
  Terms terms;                       // what is not linear, beside all that

  std::vector<DelayMotion> delay_motions;  // of lines that have a delay; empty where all stand still
  /// The feedback matrix over time, A(t) = turn_left T(t) turn_right with pair p on the diagonal of T at 2 p, 2 p + 1; of
  /// an odd N the last pair has a radius only. A is the same at rest: r = radius, theta = 2 pi angle_turns.
  std::vector<TurningPair> turning;          // [(N + 1) / 2], or empty: A stands still
  std::vector<float> turn_left, turn_right;  // [N, N], or empty

  NonlinearLoop nonlinear;  // of a network that stands still; or empty: the loop is linear

  /// JSON text of an object: config_sha256, source file, git revision, licence, created_by, ...
  std::string provenance = "{}";

  TermShape term_shape() const { return {outputs, inputs, sample_rate_hz}; }
  bool moves() const { return !delay_motions.empty() || !turning.empty(); }
  /// The depths of a line's motions together: how far its delay may go from where it rests.
  double depth_of(int line) const;
  Biquad line_section(int line, int section) const;
  Biquad output_section(int output, int section) const;
};

/// A model that was checked and may be played: finite, of the right shapes, stable. It never changes.
struct Model {
  std::string kind;  ///< "delay_network"
  DelayNetworkWeights network;
  /// All of the file's metadata; empty for a model that was made in memory.
  std::map<std::string, std::string, std::less<>> metadata;

  double sample_rate_hz() const { return network.sample_rate_hz; }
  int inputs() const { return network.inputs; }
  int outputs() const { return network.outputs; }
};

/// A model, or the reason why there is none.
struct LoadResult {
  std::shared_ptr<const Model> model;
  std::string error;  ///< empty exactly when `model` is there

  explicit operator bool() const { return model != nullptr; }
};

/// Reads and checks a weights file, or a build of pyFDN (pyfdn_network.h); what is refused, and why, stands in
/// README.md. Nothing is thrown.
LoadResult load_model(const std::filesystem::path& path);
/// The same for a file's bytes; they need not live on.
LoadResult load_model(std::span<const std::uint8_t> file);
/// The same checks for weights in memory, so that what is being trained can be played without a file.
LoadResult make_model(DelayNetworkWeights weights);

/// Extra metadata for a file. The names that the format itself uses are refused.
using Metadata = std::map<std::string, std::string, std::less<>>;

/// The bytes of the weights file: checked as load_model would, with hash and self-test. The self-test's output comes
/// from the recursion above, sample by sample in double precision, not from the engine that it is there to check.
struct SerializedWeights {
  std::vector<std::uint8_t> bytes;
  std::string error;  ///< empty, or why these weights cannot be a file
};
SerializedWeights serialize_weights(const DelayNetworkWeights& weights, const Metadata& metadata = {});

/// serialize_weights to a file, atomically. Returns an empty string or one line that says what hindered; then a file
/// that was there before is as it was. Nothing is thrown.
[[nodiscard]] std::string write_weights(const std::filesystem::path& path, const DelayNetworkWeights& weights,
                                        const Metadata& metadata = {});

}  // namespace diffverb::runtime
