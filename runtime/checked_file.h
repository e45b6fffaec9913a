#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "runtime/metadata.h"
#include "runtime/safetensors.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// Takes a file of one kind apart, reads it, checks it and plays its self-test, in this order.
///
/// Result holds a shared pointer to Weights, or null and the reason. The three steps return a reason, empty for none:
/// read(container, weights), check(weights), run_test(weights, the metadata's text).
template <typename Weights, typename Result, typename Read, typename Check, typename Test>
Result read_checked(std::span<const std::uint8_t> bytes, const char* wanted_kind, Read read, Check check,
                    Test run_test) {
  const auto refuse = [](std::string reason) { return Result{nullptr, std::move(reason)}; };
  const Container file = parse_container(bytes, true);
  if (!file.ok()) return refuse(file.error);
  std::string kind;
  if (std::string error = check_header(file, kind); !error.empty()) return refuse(error);
  if (kind != wanted_kind) return refuse("kind " + in_quotes(kind) + " is not " + in_quotes(wanted_kind));
  auto weights = std::make_shared<Weights>();
  if (std::string error = read(file, *weights); !error.empty()) return refuse(error);
  if (std::string error = check(*weights); !error.empty()) return refuse(error);
  weights->metadata = file.metadata;
  const std::string* test = find_metadata(file, "self_test");
  if (!test) return refuse("metadata 'self_test' is missing");
  if (std::string error = run_test(*weights, *test); !error.empty()) return refuse(error);
  return {std::move(weights), {}};
}

/// load(), where what is thrown (memory that cannot be had) becomes a reason.
template <typename Result, typename Load>
Result load_guarded(Load load) {
  try {
    return load();
  } catch (const std::exception& error) {
    return Result{nullptr, std::string("cannot be loaded: ") + error.what()};
  }
}

/// The same for a file of at most `max_bytes`: load(its bytes).
template <typename Result, typename Load>
Result load_guarded(const std::filesystem::path& path, std::uint64_t max_bytes, Load load) {
  return load_guarded<Result>([&]() -> Result {
    const FileBytes file = read_file(path, max_bytes);
    if (!file.error.empty()) return {nullptr, file.error};
    return load(std::span<const std::uint8_t>(file.bytes));
  });
}

/// A file's bytes. What is written must be what is read, on this machine and by this engine: `load` reads them again,
/// and its reason is what hindered. `extra` may name nothing that `metadata` has.
template <typename Load>
SerializedWeights serialize_loadable(const std::map<std::string, Tensor, std::less<>>& tensors, Metadata metadata,
                                     const Metadata& extra, Load load) {
  for (const auto& [key, value] : extra) {
    if (!metadata.emplace(key, value).second) return {{}, "metadata " + in_quotes(key) + " is the format's own"};
  }
  SerializedContainer file = serialize_container(tensors, std::move(metadata));
  if (file.error.empty()) file.error = load(std::span<const std::uint8_t>(file.bytes)).error;
  if (!file.error.empty()) return {{}, file.error};
  return {std::move(file.bytes), {}};
}

}  // namespace diffverb::runtime
