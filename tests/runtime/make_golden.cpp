// make_golden FOLDER: writes the golden files that are not there yet (golden/README.md). What is there is left alone.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <utility>

#include "envelope_weights.h"
#include "golden.h"
#include "moving_networks.h"
#include "nonlinear_networks.h"
#include "runtime/pyfdn_network.h"
#include "runtime/safetensors.h"
#include "small_bank.h"
#include "small_waveform.h"
#include "term_networks.h"

using namespace diffverb::runtime;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

SerializedWeights still_network() { return serialize_weights(testing::random_network({4, 2, 2, 2, 2, 30, 5, 60}, 4)); }

SerializedWeights structured_network() { return serialize_weights(testing::random_structure(7, 21)); }

SerializedWeights moving_network() {
  auto w = testing::turning_network({5, 1, 2, 1, 1, 20, 9, 60}, testing::Turn::kBetweenTwo, 0.1f, 4);
  testing::add_motions(w, 2, 3, 4);
  return serialize_weights(w);
}

SerializedWeights plain_response() {
  DelayNetworkWeights w;
  w.sample_rate_hz = 44100;
  w.inputs = 1, w.outputs = 2, w.early_samples = 400;
  w.D = {0, 0};
  for (const auto& row : testing::noise(2, 400, 5)) w.early.insert(w.early.end(), row.begin(), row.end());
  return serialize_weights(w);
}

SerializedWeights network_with_terms() {
  auto w = testing::random_network({2, 1, 2, 1, 1, 20, 5, 40}, 4);
  w.terms = {testing::product_term({2, 1, 2, 2, 3, 12, 3}, 1), testing::frame_term({2, 1, 3, 8, 2}, 2)};
  return serialize_weights(w);
}

SerializedWeights envelope() {
  EnvelopeDecoderWeights weights = made_envelope_weights();
  weights.noise_samples = 1024;
  weights.noise.resize(2048);
  return serialize_envelope_decoder(weights);
}

SerializedWeights pyfdn_build() {
  const PyfdnText text = make_pyfdn(testing::random_network({4, 1, 2, 2, 1, 0, 5, 60}, 8));
  return {{text.text.begin(), text.text.end()}, text.error};
}

const std::vector<std::pair<const char*, std::function<SerializedWeights()>>> kFiles = {
    {"delay_network_1.0.safetensors", still_network},
    {"structure_1.0.safetensors", structured_network},
    {"response_bank_1.0.safetensors", [] { return serialize_bank(testing::small_bank(60)); }},
    {"response_bank_half_1.0.safetensors", [] { return serialize_bank(testing::small_bank(60), true); }},
    {"autoencoder_1.0.safetensors", envelope},
    {"waveform_autoencoder_1.0.safetensors",
     [] {
       return serialize_waveform_decoder(testing::small_waveform({3, 2, 2, 32, 8, 1}));
     }},
    {"moving_1.1.safetensors", moving_network},
    {"response_1.1.safetensors", plain_response},
    {"moving_responses_1.1.safetensors",
     [] { return serialize_weights(testing::moving_responses(2, 1, 2, 90, true, 9)); }},
    {"terms_1.2.safetensors", network_with_terms},
    {"nonlinear_1.2.safetensors",
     [] {
       return serialize_weights(testing::nonlinear_network({4, 1, 2, 2, 1, 20, 5, 40}, 2, 4));
     }},
    {"pyfdn_2.json", pyfdn_build}};

std::string write_golden(const std::filesystem::path& path, const SerializedWeights& file) {
  if (!file.error.empty()) return file.error;
  const testing::GoldenSound sound = testing::play_golden(std::span<const std::uint8_t>(file.bytes));
  if (!sound.error.empty()) return sound.error;
  const std::span<const std::uint8_t> samples(reinterpret_cast<const std::uint8_t*>(sound.samples.data()),
                                              sound.samples.size() * sizeof(float));
  std::string error = write_file_atomically(path, file.bytes);
  return error.empty() ? write_file_atomically(path.string() + ".f32", samples) : error;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "make_golden FOLDER\n"), 2;
  for (const auto& [name, make] : kFiles) {
    const std::filesystem::path path = std::filesystem::path(arguments[1]) / name;
    if (std::filesystem::exists(path)) continue;
    if (const std::string error = write_golden(path, make()); !error.empty())
      return std::fprintf(stderr, "%s: %s\n", name, error.c_str()), 1;
    std::printf("%s\n", name);
  }
}
