#pragma once

#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// The mains' hum in a stretch in which nothing was played: 50 or 60 Hz and its harmonics to 400 Hz.
struct Hum {
  struct Line {
    double hz = 0, dbfs = 0;  // 0 dBFS: a sine that reaches full scale
    double above_db = 0;      // over the median from 6 to 20 Hz beside it
  };
  double base_hz = 0;   // as the lines say together; 0: none
  double above_db = 0;  // the largest
  double dbfs = 0;      // all lines' power
  std::vector<Line> lines;
  double step_hz = 0;
  std::vector<double> spectrum_dbfs;  // from 0 Hz on to 420 Hz, for a picture
};

/// Lines that stand 15 dB above what is beside them; the base whose lines hold more power. A line's frequency is the
/// largest value of a parabola through three of the Hann-windowed spectrum in dB; the base's is least squares, f_k = k f.
///
/// Reads    stretch [T] float64; none is found in less than half a second
Hum find_hum(const at::Tensor& stretch, double rate_hz);

}  // namespace diffverb
