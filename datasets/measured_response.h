#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A measured impulse response as a fit wants it: from just before its onset to the end of what was measured, with unit
/// energy.
struct MeasuredResponse {
  std::filesystem::path source;
  double sample_rate_hz = 0;
  at::Tensor ir;                      // [C, T] float64; energy summed over channels is 1
  double gain = 1;                    // file = gain * ir
  double onset_s = 0;                 // where ir's onset stands in the file
  std::vector<std::string> warnings;  // clipped, trimmed, DC removed, near its noise: told to the user, not fatal
};

/// Samples kept before the onset: a direct sound that was low-passed begins before its first strong sample.
inline constexpr std::int64_t kSamplesBeforeOnset = 64;

/// Reads and prepares one file.
/// Throws   DataError: no such file, not audio, silent, not a number, shorter than 50 ms, no decay, more noise than
///          response, more than 8 channels, below 8 kHz
MeasuredResponse read_measured_response(const std::filesystem::path& path);

}  // namespace diffverb
