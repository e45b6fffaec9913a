#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/acoustics/squared_coherence.h"
#include "core/acoustics/tail.h"
#include "core/audio_file.h"
#include "train/report/chart.h"

namespace diffverb::report {

/// The modes of a reverberator's network, from all inputs to the first output (core/network/mode_summary.h).
struct GalleryModes {
  std::string why_not;  // empty where they were found
  double rate_hz = 0;   // of the network that was decomposed: lower than what is heard, as poles cost their square
  std::int64_t poles = 0, heard = 0;
  double density_per_hz = 0, t60_p10_s = 0, t60_median_s = 0, t60_p90_s = 0;
  double spread_db = 0, loudest_late_db = 0, loudest_late_hz = 0;
};

/// One reverberator, played and measured; or why it was not.
struct GalleryEntry {
  std::string name, config, type;
  std::string error;  // where it is not empty, nothing below is known
  int exit_code = 0;
  double rate_hz = 0;
  int inputs = 0, outputs = 0;
  int lines = 0, taps = 0, filters = 0;  // delay lines, further reads in them, filters outside of them
  double fir_s = 0;                      // beside the network
  std::optional<std::int64_t> parameters;
  Audio response;                    // to an impulse at every input, the beginning of what was measured
  Audio played;                      // the dry sound through it, nothing of it unchanged
  acoustics::ChannelResult channel;  // of the first output, as is `tail`
  acoustics::Tail tail;
  std::vector<acoustics::SquaredCoherence> coherence;  // of the first two outputs, late part
  std::optional<acoustics::Iacc> iacc;
  GalleryModes modes;
  double cost = 0;  // seconds of one core for a second of sound
};

/// What all have in common.
struct GalleryAbout {
  double seconds = 0, modes_rate_hz = 0;
  std::string dry;  // what was played through
};

/// Mean of the 500 Hz and 1 kHz octaves; NaN where either has none.
double mid_t60_s(const GalleryEntry& entry);
double mid_edt_s(const GalleryEntry& entry);
/// Mean over the third octaves; NaN for one output.
double mean_coherence(const GalleryEntry& entry);
/// "metallic", "grainy", "metallic, grainy", "smooth"; "too short" where nothing is left after 80 ms.
std::string verdict(const GalleryEntry& entry);

/// One chart a reverberator, on common axes.
std::vector<Chart> gallery_decays(const std::vector<GalleryEntry>& entries);
std::vector<Chart> gallery_densities(const std::vector<GalleryEntry>& entries);
std::vector<Chart> gallery_coherences(const std::vector<GalleryEntry>& entries);
std::vector<Chart> gallery_spectrograms(const std::vector<GalleryEntry>& entries);

/// The page, with its sounds in it (Ogg Vorbis) and links to sounds/NAME_ir.wav and sounds/NAME_dry.wav.
std::string gallery_page(const std::vector<GalleryEntry>& entries, const GalleryAbout& about);
nlohmann::ordered_json gallery_json(const std::vector<GalleryEntry>& entries, const GalleryAbout& about);
/// The figures in Markdown, one row a reverberator.
std::string gallery_table(const std::vector<GalleryEntry>& entries);

}  // namespace diffverb::report
