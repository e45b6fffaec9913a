#pragma once

#include <cstddef>
#include <string>

#include "core/acoustics/analysis.h"
#include "train/report/run_data.h"

namespace diffverb::report {

/// Target and fit as core/acoustics measures them: the same channels of both.
struct Measured {
  acoustics::FileResult target;
  acoustics::FileResult fit;
};

/// Sentences on what the page leaves out; empty where nothing is missing.
std::string missing_section(const RunData& run);

/// Base64 of sounds that a page on one run may hold.
inline constexpr std::size_t kSoundBudget_bytes = 3'500'000;

/// Both responses and the dry sound through each, within `budget_bytes` of base64.
std::string listen_section(const RunData& run, std::size_t budget_bytes);

/// Everything that shows target over fit: decay by band, spectrograms, T, EDT and C80, level, echo density, table.
/// One set a channel, with buttons to choose.
std::string comparison_sections(const RunData& run, const Measured& measured);

/// Loss curves.
std::string loss_section(const RunData& run);

/// Settings, weights and where they come from, log.
std::string provenance_section(const RunData& run);

}  // namespace diffverb::report
