#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/response_bank.h"

namespace diffverb::report {

/// What the page knows of each point without its sound.
struct PointFacts {
  double gain_db = 0;  // from the file's samples to a pair of unit energy
  double t_s = 0;      // T20 of the left response, all bands; 0 where there is none
};

struct ExplorerPage {
  const runtime::ResponseBank* bank = nullptr;
  std::string bank_file;
  double sounds_mb = 0;
  std::vector<PointFacts> points;       // [X, Y, Z]
  std::vector<std::uint8_t> dry_sound;  // a FLAC file
};

std::string explorer_page(const ExplorerPage& page);

}  // namespace diffverb::report
