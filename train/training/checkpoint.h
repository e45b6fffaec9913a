#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/tensor.h"

namespace diffverb {

/// Named tensors and texts of a run, in one file: what it takes to go on as if it had never stopped.
///
/// The container is that of safetensors: u64 length, JSON header, tensor bytes; dtypes float32, float64, int64, int32,
/// uint8 and bool. The header's __metadata__ holds the texts and a SHA-256 over the whole file, its own 64 digits taken
/// as '0', so that a damaged file is refused instead of resumed from.
struct Checkpoint {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> texts;

  /// Throws a DataError that names what is missing and what is there.
  const at::Tensor& tensor(const std::string& name) const;
  const std::string& text(const std::string& name) const;

  /// Copies a tensor into one that is there already: same shape, same dtype, its storage kept.
  void copy_to(const std::string& name, at::Tensor destination) const;
};

/// Throws   DataError where it cannot be written whole (then the old file is as it was); ContractError for other dtypes
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws   DataError for a file that is truncated, damaged in any byte, or not a checkpoint
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace diffverb
