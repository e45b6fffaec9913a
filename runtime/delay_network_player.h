#pragma once

#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/delay_ring.h"
#include "runtime/kernels.h"
#include "runtime/line_filters.h"
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
/// one another over the whole chunk, each by blocks of its own length. A signal is a pointer, mostly into the ring of its
/// line, so that nothing is copied to be read. In a block each level makes v = A s + B u of its rings where they are
/// written, and filters it; where a level is dense and all of it is filtered, v is made in lanes, as its filters want it.
/// Motion is made for the chunk before it is played. Where the loop is not linear, the lines that have a delay are one
/// stage, and its terms are added before the filters.
class DelayNetworkPlayer {
 public:
  static constexpr int kChunk = DelayRing::kChunk;  // the most that process() takes: scratch stays in the nearest cache
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
    std::size_t delay;
    std::size_t row;  // of the signals
    int motion;       // row of line_motions_, -1: it stands still
  };
  /// What is filtered once and read once for each tap.
  struct Ring {
    DelayRing memory;         // empty where all of it is heard at once
    std::vector<Tap> now;     // without delay
    int nonlinear_line = -1;  // -1: it takes in what it is fed
  };
  /// A tap and where its ring is, so that blocks go through them in one row.
  struct RingTap {
    std::size_t level, ring;
    Tap tap;
  };
  struct Level {
    MixingProduct product;     // of the signals
    MixingProduct addition;    // of the stage's own signals where that is cheaper, or of what turning_ makes of them
    MixingProduct products;    // of what nonlinear_ multiplies; empty where it does not
    Floats lane_gains;         // [lane_columns, lanes] instead of the products, where all goes into the filters' lanes
    std::vector<int> columns;  // of lane_gains
    std::vector<Ring> rings;
    std::size_t unfiltered = 0;  // the first rings; the others have a filter
    LineFilters filters;
  };
  struct Stage {
    int block = 0;
    bool has_delays = false;              // lines that have one, in a nonlinear loop all there are
    std::vector<std::size_t> earlier;     // rows of earlier stages and inputs
    std::vector<RingTap> delayed, later;  // read before a block; read after the chunk
    std::vector<Level> levels;

    const Ring& ring_of(const RingTap& at) const { return levels[at.level].rings[at.ring]; }
  };

  Tap tap_of(const PlannedTap& tap) const;
  Stage make_stage(const DelayNetworkWeights& weights, const NetworkPlan& plan, const PlannedStage& planned) const;
  Level make_level(const DelayNetworkWeights& weights, const NetworkPlan& plan, const PlannedStage& stage,
                   const std::vector<PlannedRing>& rings) const;
  void advance(Stage& stage, std::size_t at, int frames) noexcept;
  void advance(Level& level, const Stage& stage, std::size_t at, int frames) noexcept;
  void mix_in_lanes(Level& level, int frames) noexcept;
  void end_blocks(const Stage& stage, int frames) noexcept;
  void read_later(const Stage& stage, int frames) noexcept;
  /// Where the row's samples begin, of those that are not read where they stand.
  float* own(const Tap& tap) { return signals_.data() + tap.row * kStride; }
  void read_moving(const Ring& ring, const Tap& tap, std::size_t behind, std::size_t at, int frames) noexcept;

  std::vector<Stage> stages_;
  MixingProduct output_;                   // [O] of all signals
  Floats signals_;                         // [I + N, kStride]; of a line only where it moves or has no memory
  std::vector<const float*> rows_;         // [I + N] where each signal stands, from the block on
  std::vector<const float*> lane_inputs_;  // those of a level's lane_gains
  std::vector<float*> targets_;            // [rings of a level] where they are written
  std::vector<float*> outputs_;            // [O]
  Floats spare_;                           // [kStride] for places of a table that nobody has
  LineMotions line_motions_;
  TurningMatrix turning_;
  NonlinearPlayer nonlinear_;
};

}  // namespace diffverb::runtime
