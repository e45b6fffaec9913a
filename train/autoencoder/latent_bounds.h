#pragma once

#include "train/model_file.h"

namespace diffverb {

/// The box of latent points that a model file states ("latent_bounds": [low, high]); -2 to 2 where it states none.
struct LatentBounds {
  double low = -2, high = 2;
};

LatentBounds latent_bounds_of(const ModelFile& file);

}  // namespace diffverb
