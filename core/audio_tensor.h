#pragma once

#include "core/audio_file.h"
#include "core/tensor.h"

namespace diffverb {

/// The channels of a sound as a tensor of its own, [C, T] float64. Reads channels of one length.
at::Tensor to_tensor(const Audio& audio);

/// Reads    channels [C, T], float32 or float64
Audio to_audio(const at::Tensor& channels, double rate_hz);

}  // namespace diffverb
