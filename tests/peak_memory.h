#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "core/solvers/solver_tensors.h"
#include "train/bench/bench_timing.h"

namespace diffverb {

/// Expects that `step` takes between `least_mb` and `most_mb` at its peak above what the process held before; less than is
/// known to be needed, and nothing was measured. Measured again, twice at most, where it is out of them: what earlier tests
/// left to threads and to the allocator comes and goes meanwhile.
inline void expect_peak(const std::string& what, double least_mb, double most_mb, const std::function<void()>& step) {
  std::optional<double> peak;
  for (int tries = 3; tries > 0 && (!peak || *peak <= least_mb || *peak >= most_mb); --tries) {
    RecycledMemory::instance().trim();
    peak = peak_megabytes(step);
  }
  if (!peak) GTEST_SKIP() << "the system does not tell the peak memory of a process";
  EXPECT_GT(*peak, least_mb) << what;
  EXPECT_LT(*peak, most_mb) << what;
  testing::Test::RecordProperty(what, std::to_string(*peak));
}

}  // namespace diffverb
