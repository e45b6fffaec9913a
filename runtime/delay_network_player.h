#pragma once

#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/kernels.h"
#include "runtime/line_motions.h"
#include "runtime/mixing_product.h"
#include "runtime/network_plan.h"
#include "runtime/nonlinear_player.h"
#include "runtime/turning_matrix.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// Plays C s + D u of a delay network: everything but its output equalisers and early part, in single precision.
///
/// The constructor allocates everything; process() allocates nothing. The stages of the plan (network_plan.h) follow
/// one another over the whole chunk, each by blocks of its own length. In a block the delays are read, then each level
/// makes v = A s + B u of its rings, filters it (SIMD over rings) and writes it; what later stages and the outputs read
/// is taken from the rings when the chunk is done. Motion is made for the chunk before it is played. Where the loop is not
/// linear, the lines that have a delay are one stage, and its terms are added before the filters.
class DelayNetworkPlayer {
 public:
  static constexpr int kChunk = 256;  // the most that process() takes: scratch that stays in the nearest cache
  static constexpr std::size_t kStride = kChunk + kPad;

  /// Reads: weights that check_network accepted; they need not live on.
  explicit DelayNetworkPlayer(const DelayNetworkWeights& weights);

  /// [I, kStride]: where the input is to be put before process().
  float* input() { return signals_.data(); }
  /// Writes [O, kStride]; frames <= kChunk. kPad samples behind `frames` are written too.
  void process(float* output, int frames) noexcept;
  void reset() noexcept;

 private:
  struct Tap {
    int delay;
    std::size_t row;  // of signals_
    int motion;       // row of line_motions_, -1: it stands still
  };
  /// What is filtered once and read once for each tap.
  struct Ring {
    std::vector<float> samples;  // written at `head`, read `delay` behind it
    std::size_t head = 0;
    std::vector<Tap> delayed, now, later;  // read before a block; copied in a block; read after the chunk
    int nonlinear_line = -1;               // -1: it takes in what it is fed
  };
  struct Level {
    MixingProduct product;   // of the stage's own signals, or of the components that turning_ makes of them
    MixingProduct products;  // of what nonlinear_ multiplies; empty where it does not
    std::vector<Ring> rings;
    std::size_t first_ring = 0;  // in the stage
    int lanes = 0, sections = 0;
    std::size_t filtered = 0;  // how many rings have a filter: the last ones
    Floats coefficients, state;
  };
  struct Stage {
    int block = 0;
    bool has_delays = false;  // lines that have one, in a nonlinear loop all there are
    MixingProduct drive;      // of the inputs and of earlier stages
    std::vector<Level> levels;
  };

  Stage make_stage(const DelayNetworkWeights& weights, const NetworkPlan& plan, const PlannedStage& planned) const;
  void advance(Stage& stage, std::size_t at, int frames) noexcept;
  void filter(Level& level, int frames) noexcept;
  void add_nonlinear(const Level& level, Rows signals, int frames) noexcept;
  /// `count` samples of a tap from `behind` before the ring's head on, which stand at `at` of the chunk.
  void read(const Ring& ring, const Tap& tap, std::size_t behind, std::size_t at, std::size_t count) noexcept;

  std::vector<Stage> stages_;
  MixingProduct output_;  // [O] of all signals
  Floats signals_;        // [I + N, kStride]
  Floats drive_;          // [rings of a stage, kStride] B u and what earlier stages feed
  Floats driven_;         // [rings of a level, kStride] v, then h * v
  Floats lanes_;          // [kChunk, lanes]
  LineMotions line_motions_;
  TurningMatrix turning_;
  NonlinearPlayer nonlinear_;
};

}  // namespace diffverb::runtime
