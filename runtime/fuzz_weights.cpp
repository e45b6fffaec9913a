// libFuzzer driver of the weights loader; see DIFFVERB_FUZZ in CMakeLists.txt. The hash of every input is made right,
// so that the checks behind it are reached: ./fuzz_weights CORPUS_FOLDER -max_len=20000
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/sha256.h"
#include "runtime/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> file(data, data + size);
  const std::string key = "\"sha256\":\"";
  const auto found = std::search(file.begin(), file.end(), key.begin(), key.end());
  if (file.end() - found >= 74) {
    std::fill(found + 10, found + 74, std::uint8_t{'0'});
    diffverb::runtime::Sha256 sha;
    sha.update(file);
    const std::string hash = sha.hex();
    std::copy(hash.begin(), hash.end(), found + 10);
  }
  const diffverb::runtime::LoadResult loaded = diffverb::runtime::load_model(std::span<const std::uint8_t>(file));
  if (loaded.error.empty() != (loaded.model != nullptr)) __builtin_trap();
  return 0;
}
