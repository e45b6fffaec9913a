#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "datasets/measured_response.h"
#include "datasets/pair_relation.h"

namespace diffverb {

/// What was played into a space and what was recorded there, sample for sample beside each other.
struct MeasuredPair {
  std::filesystem::path dry_file, wet_file;
  double sample_rate_hz = 0;
  at::Tensor dry;                    // [I, T] float64, I 1 or 2, as the file has it
  at::Tensor wet;                    // [C, T] float64, C 1 to 8, likewise
  std::int64_t removed_samples = 0;  // of them; the rest stands before the first arrival in `wet`
  Arrival arrival;  // the delay in the files, and how much they have to do with each other (datasets/pair_relation.h)
  std::vector<std::string> notes;     // delay, lengths, DC: what was found and done
  std::vector<std::string> warnings;  // clipping
};

/// Reads both files, finds the delay between them by correlation and removes it, up to `lead` samples: a direct sound
/// that was low-passed begins before its first strong sample. A delay of 0 to `lead` samples stays as it is.
///
/// The mean of every channel is taken out, and the longer file cut to what both have; `notes` say so.
///
/// Throws   DataError, one line: no such file, not audio, silent, not a number, more than 2 dry or 8 wet channels,
///          below 8 kHz; files of different rates; less than 1 s in common; two files without relation (the numbers are
///          named)
MeasuredPair read_measured_pair(const std::filesystem::path& dry, const std::filesystem::path& wet,
                                std::int64_t lead = kSamplesBeforeOnset);

}  // namespace diffverb
