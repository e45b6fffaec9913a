#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/comparison.h"
#include "core/acoustics/signs.h"
#include "core/audio_file.h"
#include "runtime/weights.h"
#include "train/levels/level.h"

namespace diffverb {

/// What the seed's levels say of one response: physical, statistical, perceptual and information, and its signs.
struct ResponseLevels {
  acoustics::Comparison comparison;
  std::vector<Level> levels;
  std::vector<acoustics::Sign> signs, target_signs;
};

/// What they say of the model: modes (a part of physical), structural, learning.
struct ModelLevels {
  std::vector<Figure> modes;
  Level structural, learning;
  std::optional<double> modal_density_per_hz;
};

/// What only two channels together tell.
struct StereoFigures {
  std::optional<acoustics::Iacc> iacc, target_iacc;
  std::optional<double> decorrelation;  // the loss of that name
  std::string why_not;
};

/// Reads    target, played: all channels of one response, at one rate
/// Returns  one a channel
std::vector<ResponseLevels> measure_levels(const Audio& target, const Audio& played, const ModelLevels& model);

/// Reads    model: what `diffverb eval` was given, a file or a run folder; network: its delay network, or null
///          on_modes: where its modes are to be found, which takes time, told of the share that is done
ModelLevels measure_model(const std::filesystem::path& model, const runtime::DelayNetworkWeights* network,
                          const std::function<void(double)>& on_modes);

// The levels one by one.
Level physical_level(const ResponseLevels& response, const acoustics::Character& played,
                     const acoustics::Character& target);
std::vector<Figure> mode_figures(const runtime::DelayNetworkWeights* network,
                                 const std::function<void(double)>& on_modes);
Level structural_level(const runtime::DelayNetworkWeights* network);
/// Modes a hertz: the delays of the lines that stand in loops, together, over the rate (Schroeder 1962).
double modal_density_per_hz(const runtime::DelayNetworkWeights& network);
Level statistical_level(const ResponseLevels& response, const acoustics::Character& played,
                        const acoustics::Character& target, const ModelLevels& model);
Level perceptual_level(const ResponseLevels& response, const Audio& target, const Audio& played,
                       const StereoFigures& stereo);
Level learning_level(const std::filesystem::path& model);
Level information_level(const Audio& target, const Audio& played, const acoustics::Character& played_character,
                        const acoustics::Character& target_character, const StereoFigures& stereo);

/// {"levels": {"physical": {KEY: number, ..., "target": {...}}, ..., "why_null": {...}}, "signs": [...]} of one response.
nlohmann::json levels_json(const ResponseLevels& response);
/// The same of a model and all responses: medians over those; a sign is that of the response where it is worst, with
/// "responses" in which it is found "of" so many that it could be told of. A level that has nothing to say is null.
nlohmann::json levels_json(const ModelLevels& model, const std::vector<const ResponseLevels*>& responses);
/// As text: a table a level, then the signs.
std::string levels_table(const ModelLevels& model, const std::vector<const ResponseLevels*>& responses);

}  // namespace diffverb
