#include "train/levels/levels.h"

#include <algorithm>
#include <span>
#include <utility>

#include "train/levels/loss_value.h"

namespace diffverb {
namespace {

Audio channel_of(const Audio& audio, std::size_t channel) { return {audio.rate_hz, {audio.channels[channel]}}; }

StereoFigures measure_stereo(const Audio& target, const Audio& played) {
  StereoFigures out;
  if (target.channels.size() != 2) {
    out.why_not = target.channels.size() == 1 ? "one channel" : "more than two channels";
    return out;
  }
  const auto iacc = [](const Audio& audio) {
    const auto left = acoustics::to_double(audio.channels[0]), right = acoustics::to_double(audio.channels[1]);
    const std::size_t onset = std::min(acoustics::find_onset(left), acoustics::find_onset(right));
    return acoustics::measure_iacc(std::span<const double>(left).subspan(onset),
                                   std::span<const double>(right).subspan(onset), audio.rate_hz);
  };
  out.iacc = iacc(played);
  out.target_iacc = iacc(target);
  const Figure loss = loss_figure("decorrelation", "{type: decorrelation}", target, played);
  out.decorrelation = loss.value;
  out.why_not = loss.why_not;
  return out;
}

ResponseLevels measure_channel(const Audio& target, const Audio& played, const StereoFigures& stereo,
                               const ModelLevels& model) {
  ResponseLevels out;
  out.comparison = acoustics::compare(target, played);
  const auto character = [&](const Audio& audio, const acoustics::FileResult& result,
                             const std::optional<acoustics::Iacc>& iacc) {
    return acoustics::characterize(acoustics::to_double(audio.channels[0]), result.channels[0],
                                   iacc ? iacc->late_l3 : std::nullopt);
  };
  const auto p = character(played, out.comparison.other, stereo.iacc),
             t = character(target, out.comparison.target, stereo.target_iacc);
  out.signs = acoustics::find_signs(p);
  out.target_signs = acoustics::find_signs(t);
  out.levels = {physical_level(out, p, t), statistical_level(out, p, t, model),
                perceptual_level(out, target, played, stereo), information_level(target, played, p, t, stereo)};
  return out;
}

}  // namespace

std::vector<ResponseLevels> measure_levels(const Audio& target, const Audio& played, const ModelLevels& model) {
  const StereoFigures stereo = measure_stereo(target, played);
  std::vector<ResponseLevels> out;
  for (std::size_t c = 0; c < played.channels.size(); ++c)
    out.push_back(measure_channel(channel_of(target, c), channel_of(played, c), stereo, model));
  return out;
}

ModelLevels measure_model(const std::filesystem::path& model, const runtime::DelayNetworkWeights* network,
                          const std::function<void(double)>& on_modes) {
  ModelLevels out{mode_figures(network, on_modes), structural_level(network), learning_level(model), std::nullopt};
  if (network && network->lines > 0) out.modal_density_per_hz = modal_density_per_hz(*network);
  return out;
}

}  // namespace diffverb
