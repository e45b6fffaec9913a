#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace diffverb {

/// Writes one HTML page that holds everything and fetches nothing: how near a fit came, in figures, charts and sound.
///
/// Several runs are put side by side: a summary, their errors overlaid, then each run (or, of many, a link to its own
/// page).
///
/// Reads    the files of each run folder; one that is missing is left out of the page, which says so
/// Throws   ConfigError where no run is given; DataError where a folder is no run folder, a file in it is damaged, or
///          the page cannot be written (the old one stays)
void write_report(const std::vector<std::filesystem::path>& run_folders, const std::filesystem::path& out_html);

/// Writes decay curves and reverberation time of one run as an SVG picture (for a README): the decay in four octave
/// bands, then T and EDT over frequency.
///
/// Throws   DataError as write_report, and where target.wav or ir.wav is missing
void write_picture(const std::filesystem::path& run_folder, const std::filesystem::path& out_svg);

/// One line a run and, of several, a last one with the medians over the runs: what `diffverb fit` prints.
///
/// Reads    the metrics.json of every run folder
/// Returns  a text table; empty for no run
/// Throws   DataError where a metrics.json is not there or no JSON object
std::string summary_table(const std::vector<std::filesystem::path>& run_folders);

}  // namespace diffverb
