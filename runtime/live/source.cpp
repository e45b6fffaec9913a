#include "runtime/live/source.h"

#include <nlohmann/json.hpp>

#include "runtime/checked_file.h"
#include "runtime/live/path_text.h"
#include "runtime/live/sources.h"
#include "runtime/metadata.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 33;

bool is_wav(std::span<const std::uint8_t> file) {
  return file.size() >= 4 && std::equal(file.begin(), file.begin() + 4, "RIFF");
}

/// From what was loaded, if it was.
template <typename Loaded, typename Make>
SourceResult make_from(const Loaded& loaded, Make make) {
  if (!loaded.error.empty()) return {nullptr, loaded.error};
  return make();
}

SourceResult load_bytes(std::span<const std::uint8_t> file, const std::string& name) {
  if (is_wav(file)) return make_wav_source(file, name);
  const std::string kind = kind_of_bytes(file);
  if (kind == "response_bank") {
    const BankResult bank = load_bank(file);
    return make_from(bank, [&] { return make_bank_source(bank.bank, name); });
  }
  if (kind == "autoencoder") {
    const EnvelopeDecoderResult decoder = load_envelope_decoder(file);
    return make_from(decoder, [&] { return make_envelope_source(decoder.weights, name); });
  }
  if (kind == "waveform_autoencoder") {
    const WaveformDecoderResult decoder = load_waveform_decoder(file);
    return make_from(decoder, [&] { return make_waveform_source(decoder.weights, name); });
  }
  // All else, damaged files too: its reasons are the ones to be read.
  const LoadResult model = load_model(file);
  return make_from(model, [&] { return make_network_source(model.model, name); });
}

}  // namespace

PointResult Source::point_of(const std::vector<std::vector<float>>&, double) const {
  return {{}, std::string("what plays is a ") + kind() + ", expected an autoencoder of envelopes: it finds points"};
}

std::string title_of(const Metadata& metadata, const std::string& name) {
  if (const auto title = metadata.find("title"); title != metadata.end()) return title->second;
  if (const auto text = metadata.find("provenance"); text != metadata.end()) {
    const auto provenance = nlohmann::json::parse(text->second, nullptr, false);
    if (provenance.is_object() && provenance.contains("title") && provenance["title"].is_string())
      return provenance["title"].get<std::string>();
  }
  return name;
}

SourceResult load_source(std::span<const std::uint8_t> file, const std::string& name) {
  return load_guarded<SourceResult>([&] { return load_bytes(file, name); });
}

SourceResult load_source(const std::filesystem::path& path) {
  return load_guarded<SourceResult>(
      path, kMostBytes, [&](std::span<const std::uint8_t> file) { return load_bytes(file, path_text(path.stem())); });
}

}  // namespace diffverb::runtime
