#pragma once

#include <optional>
#include <string>

#include "core/audio_file.h"
#include "train/levels/level.h"

namespace diffverb {

/// What a registered loss says of two responses, both from a millisecond before their onsets on and of equal energy.
///
/// Reads    key: of the figure; config: YAML of a loss; target, played: of one rate and as many channels
/// Returns  the value and, where `of_target`, what the target has itself (Loss::value_at_target); or why there is none:
///          no loss of that name, or what it asks for is not there
Figure loss_figure(const std::string& key, const std::string& config, const Audio& target, const Audio& played,
                   bool of_target = false);

}  // namespace diffverb
