#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/bench/bench_timing.h"
#include "train/bench/peer_process.h"

namespace diffverb {

struct PlayTime {
  double seconds = 0, worst_block_s = 0;  // of CPU; a worst block of 0 is not known
};

/// A reverberator of somebody else: a program that plays a sound in turns with ours (train/bench/turns.h).
class EnginePeer {
 public:
  EnginePeer(const std::string& name, const std::vector<std::string>& words);
  bool plays() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  /// Throws   DataError where it has ended
  PlayTime play();

 private:
  PeerProcess process_;
  std::string name_;
};

/// What is played: raw interleaved stereo, 32 bit, 48 kHz.
struct PeerSound {
  std::filesystem::path file;
  int block = 0;
};

/// The makers build a host in the folder; null where something is missing, and a line on stderr says what to install.
using MakePeer = std::function<std::unique_ptr<EnginePeer>(const BenchFolder&, const PeerSound&)>;
/// A stereo effect of Faust's demos.lib, compiled as Faust's own scripts do.
MakePeer faust_peer(const std::string& effect);
/// LSP Impulse Reverb (LV2): a stereo WAV, each channel by its response; its own settings otherwise.
MakePeer lsp_impulse_reverb(const std::filesystem::path& response);
/// sox reverb, less what sox needs without it.
MakePeer sox_peer();

}  // namespace diffverb
