#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "runtime/response_bank.h"
#include "train/report/sound_file.h"

namespace diffverb::report {

struct ExplorerOptions {
  SoundFormat format = SoundFormat::kVorbis;
  double quality = 0.6;    // of Vorbis, 0 to 1
  std::string bank_file;   // the bank's name, for the command that the page shows
  bool overwrite = false;  // an earlier explorer in the same folder
  int threads = 0;         // 0: all cores
  std::function<void(std::size_t done, std::size_t points)> progress = {};
};

/// What was written.
struct ExplorerFiles {
  std::size_t files = 0, bytes = 0, points = 0;
};

/// Writes a folder with a page that plays any point of a bank: sliders for its three latent coordinates, a second point
/// for the right ear, a dry sound through the chosen response (WebAudio's ConvolverNode, crossfaded), its decay and
/// spectrograms.
///
///   index.html       page, script, a dry sound, and a decay time for each point
///   sounds/X_Y.js    the points along z, base64 of Ogg Vorbis or FLAC, loaded when they are wanted
///
/// A page from a disk may not fetch files, but may load scripts: it works without a server. Every pair of responses is
/// brought to unit energy, the mean of its channels, and ends where 70 dB of its decay are over.
///
/// Throws   ConfigError where the folder exists and `overwrite` is false, or it holds anything but an explorer;
///          ContractError for a rate outside 8 to 192 kHz; DataError where it cannot be written (an earlier explorer
///          stays)
ExplorerFiles write_explorer(const runtime::ResponseBank& bank, const std::filesystem::path& folder,
                             const ExplorerOptions& options);

}  // namespace diffverb::report
