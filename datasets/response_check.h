#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/validate.h"

namespace diffverb {

/// One channel to look at; its samples are read when they are needed.
struct ResponseToCheck {
  std::string file;
  int channel = 0;  // from 0
  std::string room;
  double rate_hz = 0;
  std::string hash;                          // of the samples; "" where not known yet
  std::function<std::vector<float>()> read;  // may be called from several threads; what it throws is a finding
};

struct CheckSettings {
  std::optional<double> rate_hz;  // what every response should have
  double shortest_s = 0.05;
  double least_range_db = acoustics::kEnoughRange_db;  // of the decay above its noise, median of the octaves
  double least_correlation = 0.98;                     // of duplicates
  std::function<void(std::size_t done, std::size_t responses)> progress;  // from the calling thread
};

/// Something that spoils training, in one response.
struct CheckFinding {
  std::string kind;  // unreadable, nan, silent, short, rate, clipped, no_decay, noise, duplicate
  std::size_t response = 0;
  std::string text;
  std::optional<std::size_t> other;  // of which it is a duplicate
};

/// Looks for what spoils training: samples that are not finite, silence, too short, another rate than asked for,
/// clipped, no decay (core/acoustics/validate.h), a noise floor too near, duplicates.
///
/// Duplicates are found by their hash and by correlation: the largest |normalised cross-correlation| over small lags of
/// the first half second from the onset, both at 16 kHz, is above least_correlation. Correlated are only pairs whose
/// spectra fluctuate alike (log magnitude to 3.5 kHz without its trend: it does not change with level, sign and delay),
/// found by one matrix product, so that ten thousand responses take seconds. Each response names the first one before
/// it.
///
/// Runs on all processors. Returns findings in the order of the responses, several for one where there are several.
std::vector<CheckFinding> check_responses(const std::vector<ResponseToCheck>& responses, const CheckSettings& settings);

}  // namespace diffverb
