#pragma once

#include "core/audio_file.h"
#include "core/tensor.h"

namespace diffverb {

/// Channels [C, T] on any device and of any floating type as sound.
Audio audio_of(const at::Tensor& channels, double sample_rate_hz);

/// The channels of a sound, [C, T] float64. Throws a ContractError where there is none.
at::Tensor channels_of(const Audio& audio);

}  // namespace diffverb
