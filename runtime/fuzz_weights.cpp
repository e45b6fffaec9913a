// libFuzzer driver of the loaders of every kind of file; see DIFFVERB_FUZZ in CMakeLists.txt. The hash of every input
// is made right, so that the checks behind it are reached: ./fuzz_weights CORPUS_FOLDER -max_len=60000. A file that is
// taken is played.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/envelope_decoder.h"
#include "runtime/response_bank.h"
#include "runtime/sha256.h"
#include "runtime/weights.h"

using namespace diffverb::runtime;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

void check_finite(const std::array<std::vector<float>, 2>& sounds) {
  for (const auto& sound : sounds) {
    for (const float value : sound) {
      if (!std::isfinite(value)) __builtin_trap();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> file(data, data + size);
  const std::string key = "\"sha256\":\"";
  const auto found = std::search(file.begin(), file.end(), key.begin(), key.end());
  if (file.end() - found >= 74) {
    std::fill(found + 10, found + 74, std::uint8_t{'0'});
    Sha256 sha;
    sha.update(file);
    const std::string hash = sha.hex();
    std::copy(hash.begin(), hash.end(), found + 10);
  }
  const std::span<const std::uint8_t> bytes(file);
  const auto loaded = load_model(bytes);
  if (loaded.error.empty() != (loaded.model != nullptr)) __builtin_trap();
  const auto bank = load_bank(bytes);
  if (bank.error.empty() != (bank.bank != nullptr)) __builtin_trap();
  if (bank) check_finite(response_at(*bank.bank, {0, 0, 0}).channels);
  const auto decoder = load_envelope_decoder(bytes);
  if (decoder.error.empty() != (decoder.weights != nullptr)) __builtin_trap();
  if (decoder) {
    const EnvelopeDecoder player(decoder.weights);
    const std::vector<double> corner(static_cast<std::size_t>(decoder.weights->latent()),
                                     decoder.weights->latent_bound);
    check_finite(player.decode_pair(corner, {}, {.seconds = 0.02, .with_floor = true}));
  }
  return 0;
}
