#include "train/training/checkpointing.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <regex>

#include "core/error.h"
#include "core/log.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

const std::regex kEarlier("checkpoint_([0-9]{1,15})\\.safetensors");

fs::path earlier_name(const fs::path& folder, std::int64_t step) {
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return folder / ("checkpoint_" + digits + ".safetensors");
}

}  // namespace

Checkpoints::Checkpoints(fs::path folder, std::int64_t keep) : folder_(std::move(folder)), keep_(keep) {}

std::vector<std::pair<std::int64_t, fs::path>> Checkpoints::earlier() const {
  std::vector<std::pair<std::int64_t, fs::path>> out;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder_, code)) {
    const std::string name = entry.path().filename().string();
    std::smatch match;
    if (std::regex_match(name, match, kEarlier)) out.emplace_back(std::atoll(match[1].str().c_str()), entry.path());
  }
  std::sort(out.begin(), out.end(), std::greater<>());
  return out;
}

void Checkpoints::keep_previous() const {
  std::error_code code;
  if (keep_ <= 1 || last_step_ < 0 || !fs::exists(newest(), code)) return;
  const fs::path name = earlier_name(folder_, last_step_);
  if (fs::exists(name, code)) return;
  fs::create_hard_link(newest(), name, code);
  if (!code) return;
  const fs::path temporary = name.string() + ".tmp";  // a file system without links
  code.clear();
  fs::copy_file(newest(), temporary, fs::copy_options::overwrite_existing, code);
  if (!code) fs::rename(temporary, name, code);
  if (code) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    log().warning(name.string() + ": this earlier checkpoint cannot be kept: " + code.message());
  }
}

void Checkpoints::remove_oldest() const {
  const auto files = earlier();
  std::error_code code;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (static_cast<std::int64_t>(i) + 1 >= keep_) fs::remove(files[i].second, code);
  }
}

void Checkpoints::save(const Checkpoint& checkpoint, std::int64_t step) {
  if (step != last_step_) keep_previous();
  try {
    save_checkpoint(newest(), checkpoint);
  } catch (const DataError& error) {
    throw DataError(error.what() + what_remains());
  }
  last_step_ = step;
  remove_oldest();
}

void Checkpoints::save_best(const Checkpoint& checkpoint) {
  try {
    save_checkpoint(best(), checkpoint);
  } catch (const DataError& error) {
    throw DataError(error.what() + what_remains());
  }
}

std::string Checkpoints::what_remains() const {
  std::error_code code;
  if (!fs::exists(newest(), code)) return "";
  const std::string which = last_step_ >= 0 ? "of step " + std::to_string(last_step_) : "that was there";
  return "; the checkpoint " + which + " is as it was, --resume goes on from it";
}

Checkpoint Checkpoints::load_newest() const {
  std::vector<fs::path> candidates{newest()};
  for (const auto& file : earlier()) candidates.push_back(file.second);
  std::string first_error;
  for (const fs::path& path : candidates) {
    try {
      return load_checkpoint(path);
    } catch (const DataError& error) {
      if (first_error.empty()) first_error = error.what();
      if (candidates.size() > 1) log().warning(std::string(error.what()) + "; trying the one before it");
    }
  }
  throw DataError(first_error);
}

}  // namespace diffverb
