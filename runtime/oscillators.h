#pragma once

#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/motion_kernels.h"

namespace diffverb::runtime {

/// Sines of constant rates without a call of sin() in play: a phasor for each, known at every kCell-th sample, times a
/// table of what its rate turns it by within a cell. Cells count from reset() on, so that a value does not depend on
/// how the time is cut into blocks. What is within is exact to some 1e-13; the phasors are kept at length 1.
class Oscillators {
 public:
  static constexpr int kCell = 64;

  /// Returns its index.
  int add(double turns_a_sample, double phase_turns);
  void reset() noexcept;

  /// How many samples there are until skip() has to be called.
  int ready() const { return kCell - step_; }
  void skip(int frames) noexcept;  // frames <= ready()
  Phasor at(int index) const noexcept;

 private:
  struct Oscillator {
    std::size_t table = 0;            // in tables_
    double first_c = 1, first_s = 0;  // at reset()
    double step_c = 1, step_s = 0;    // of a cell
    double c = 1, s = 0;              // at this cell's begin
  };
  std::vector<Oscillator> oscillators_;
  std::vector<double> rates_;  // of the tables
  Doubles tables_;             // [rates, 2, kTable]
  int step_ = 0;
};

}  // namespace diffverb::runtime
