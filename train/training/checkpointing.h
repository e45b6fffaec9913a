#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/training/checkpoint.h"

namespace diffverb {

/// The checkpoints of a run folder: checkpoint.safetensors is the newest, checkpoint_<step>.safetensors are those
/// before it, best.safetensors is the one that validated best.
///
/// At every moment at least one of them is whole: a new one is written beside, flushed and renamed.
class Checkpoints {
 public:
  /// `keep` newest ones stay, the newest included; the best is apart.
  Checkpoints(std::filesystem::path folder, std::int64_t keep);

  /// Throws   DataError (full disk, ...) that says what is still there; nothing older is lost
  void save(const Checkpoint& checkpoint, std::int64_t step);
  void save_best(const Checkpoint& checkpoint);

  /// The newest whole one; a damaged one is told in the log and the one before it is taken.
  /// Throws   DataError where there is none
  Checkpoint load_newest() const;
  std::filesystem::path newest() const { return folder_ / "checkpoint.safetensors"; }
  std::filesystem::path best() const { return folder_ / "best.safetensors"; }

 private:
  void keep_previous() const;
  void remove_oldest() const;
  std::string what_remains() const;  // for the message of one that could not be written
  std::vector<std::pair<std::int64_t, std::filesystem::path>> earlier() const;  // newest first

  std::filesystem::path folder_;
  std::int64_t keep_ = 1, last_step_ = -1;
};

}  // namespace diffverb
