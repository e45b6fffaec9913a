#include "train/training/training_records.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace diffverb {
namespace {

using Json = nlohmann::json;

/// Keeps the whole lines of the steps before `step`.
void trim_lines(const std::filesystem::path& path, std::int64_t step) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return;
  std::ifstream in(path);
  std::string kept, line;
  while (std::getline(in, line)) {
    const auto json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.value("step", std::int64_t{0}) < step) kept += line + "\n";
  }
  in.close();
  write_file_atomically(path, kept);
}

std::ofstream open_lines(const std::filesystem::path& path, std::int64_t first_step, bool resumed) {
  if (resumed) trim_lines(path, first_step);
  std::ofstream out(path, resumed ? std::ios::app : std::ios::trunc);
  if (!out) throw DataError(path.string() + ": cannot be written");
  return out;
}

}  // namespace

TrainingRecords::TrainingRecords(const RunFolder& folder, std::int64_t first_step, std::int64_t validated_step,
                                 bool resumed)
    : losses_path_(folder.file("losses.jsonl")),
      losses_(open_lines(losses_path_, first_step, resumed)),
      validations_(open_lines(folder.file("validation.jsonl"), validated_step + 1, resumed)),
      events_(folder.path()) {
  const bool validated = first_step > 0 && validated_step == first_step;  // it is not made again
  if (resumed) events_.restart(validated ? first_step + 1 : first_step);
}

void TrainingRecords::step(const Step& step) {
  Json line{{"step", step.step}, {"loss", step.loss}, {"terms", step.terms}, {"rate", step.rate}};
  if (step.epoch >= 0) {
    line["epoch"] = step.epoch;
    line["gradient_norm"] = step.norm;
    events_.scalar("rate", step.rate, step.step);
    events_.scalar("gradient_norm", step.norm, step.step);
  }
  losses_ << line.dump() << std::endl;
  events_.scalar("loss", step.loss, step.step);
  for (const auto& [name, term] : step.terms) events_.scalar("terms/" + name, term, step.step);
}

void TrainingRecords::validation(std::int64_t step, double loss, const std::map<std::string, double>& terms) {
  validations_ << Json{{"step", step}, {"loss", loss}, {"terms", terms}}.dump() << std::endl;
  events_.scalar("validation/loss", loss, step);
  for (const auto& [name, term] : terms) events_.scalar("validation/" + name, term, step);
  events_.flush();
}

void TrainingRecords::flush() {
  if (!losses_.flush()) throw DataError(losses_path_.string() + ": cannot be written (is the disk full?)");
  if (!validations_.flush())
    throw DataError((losses_path_.parent_path() / "validation.jsonl").string() +
                    ": cannot be written (is the disk full?)");
  events_.flush();
}

}  // namespace diffverb
