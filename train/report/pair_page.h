#pragma once

#include <filesystem>

namespace diffverb {

namespace report {
/// Whether a folder is of a fit to a pair: out.wav stands in it.
bool is_pair_run(const std::filesystem::path& folder);
}  // namespace report

/// Writes one HTML page on a fit to a pair: its figures, both wet sounds and the dry one, spectrograms of the held-back
/// part, of a linear model its response over the one that division gave, losses, settings.
///
/// Reads    the files of the run folder (train/fit/pair_fit.h)
/// Throws   DataError where one of them is missing or damaged, or the page cannot be written
void write_pair_report(const std::filesystem::path& folder, const std::filesystem::path& out_html);

}  // namespace diffverb
