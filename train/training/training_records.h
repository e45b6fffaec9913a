#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "train/run_folder.h"
#include "train/training/tensorboard.h"

namespace diffverb {

/// What a run writes as it goes: losses.jsonl, a line a step; validation.jsonl, a line a validation; TensorBoard
/// events.
///
/// A resumed run says each step once: lines from its first step on are taken away when it starts.
class TrainingRecords {
 public:
  /// Reads    first_step: the step that comes next; validated_step: after which the state's last validation was
  TrainingRecords(const RunFolder& folder, std::int64_t first_step, std::int64_t validated_step, bool resumed);

  struct Step {
    std::int64_t step = 0, epoch = -1;  // -1: there are no epochs
    double loss = 0, rate = 0, norm = 0;
    std::map<std::string, double> terms;
  };
  void step(const Step& step);
  void validation(std::int64_t step, double loss, const std::map<std::string, double>& terms);
  EventWriter& events() { return events_; }
  /// Throws a DataError where the disk has not taken everything.
  void flush();

 private:
  std::filesystem::path losses_path_;
  std::ofstream losses_, validations_;
  EventWriter events_;
};

}  // namespace diffverb
