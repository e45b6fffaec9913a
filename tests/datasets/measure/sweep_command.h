#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "datasets/measure/sweep.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {

/// sweep.wav and sweep.json of a small measurement, as the program writes them: 16 kHz, 50 Hz to 7 kHz, responses of 0.5 s.
inline Sweep write_short_sweep(const Scratch& scratch, double seconds = 2, const std::vector<std::string>& more = {}) {
  std::vector<std::string> command = {"data",       "sweep",   "--out",     (scratch / "sweep.wav").string(),
                                      "--range-hz", "50,7000", "--rate",    "16000",
                                      "--gap",      "0.5",     "--seconds", std::to_string(seconds)};
  command.insert(command.end(), more.begin(), more.end());
  EXPECT_EQ(run_command_line(command), 0);
  return read_sweep(scratch / "sweep.json");
}

}  // namespace diffverb
