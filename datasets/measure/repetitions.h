#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// The mean of what should be the same sound again and again, without what happened only once (a cough, a door).
///
/// Frames of 50 ms. One of a repetition is left out where its difference from the median of the repetitions has 16 times
/// the energy that is usual: the median over the repetitions of that frame, or over all frames where that is more. Takes
/// three repetitions: with two, nobody can say which one is right.
struct AveragedRepetitions {
  struct LeftOut {
    std::int64_t repetition = 0;  // from 0
    double from_s = 0, to_s = 0;  // within it
  };
  at::Tensor mean;                    // [T]
  std::vector<LeftOut> left_out;      // neighbouring frames are one
  std::optional<double> variance_db;  // what differs between repetitions over what they share; 2 or more
  double frame_s = 0;
  at::Tensor differences_db;     // [R, M]: of each frame from the mean over the mean's usual energy; 2 or more
  std::vector<double> gains_db;  // of each repetition against the mean, with what was left out of it
};

/// Reads repetitions [R, T] float64, aligned.
AveragedRepetitions average_repetitions(const at::Tensor& repetitions, double rate_hz);

}  // namespace diffverb
