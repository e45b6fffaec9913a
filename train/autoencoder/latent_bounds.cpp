#include "train/autoencoder/latent_bounds.h"

#include <nlohmann/json.hpp>

namespace diffverb {

LatentBounds latent_bounds_of(const ModelFile& file) {
  const auto text = file.texts.find("latent_bounds");
  if (text == file.texts.end()) return {};
  const auto parsed = nlohmann::json::parse(text->second, nullptr, false);
  if (!parsed.is_array() || parsed.size() != 2 || !parsed[0].is_number() || !parsed[1].is_number()) return {};
  const LatentBounds bounds{parsed[0].get<double>(), parsed[1].get<double>()};
  return bounds.low < bounds.high ? bounds : LatentBounds();
}

}  // namespace diffverb
