#include "train/export.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "models/fitted_reverb.h"
#include "runtime/weights.h"
#include "train/tensor_values.h"

namespace diffverb {
namespace {

void add_sines(const GainsOverTime& gains, bool after, runtime::MovingResponses& moving) {
  if (!gains.mean.defined()) return;
  for (std::int64_t r = 0; r < gains.depth.size(0); ++r) {
    for (std::int64_t m = 0; m < gains.depth.size(1); ++m) {
      const auto number = [&](const at::Tensor& table) { return table[r][m].item<double>(); };
      moving.sines.push_back(
          {static_cast<int>(r), after, number(gains.depth), number(gains.rate_hz), number(gains.phase_turns)});
    }
  }
}

runtime::DelayNetworkWeights moving_weights(const MovingResponseModel& model) {
  const MovingResponseModel::Parts parts = model.parts();
  runtime::DelayNetworkWeights w;
  w.sample_rate_hz = model.sample_rate_hz();
  w.outputs = static_cast<int>(parts.taps.size(1));
  w.inputs = static_cast<int>(parts.taps.size(2));
  w.D.assign(static_cast<std::size_t>(w.outputs) * static_cast<std::size_t>(w.inputs), 0.0f);
  w.moving.count = static_cast<int>(parts.taps.size(0));
  w.moving.samples = static_cast<int>(parts.taps.size(3));
  w.moving.equal_power = parts.equal_power;
  w.moving.taps = to_vector<float>(parts.taps, at::kFloat);
  for (std::int64_t r = 0; r < parts.taps.size(0); ++r) {
    w.moving.means.push_back(parts.before.mean[r].item<double>());
    w.moving.means.push_back(parts.after.mean.defined() ? parts.after.mean[r].item<double>() : 1.0);
  }
  add_sines(parts.before, false, w.moving);
  add_sines(parts.after, true, w.moving);
  return w;
}

/// How the lines and the matrix of a model move.
void add_motion(const NetworkModel& model, runtime::DelayNetworkWeights& w) {
  const double rate = model.sample_rate_hz();
  for (const LineMotion& motion : model.motion(rate)) {
    const double depth = motion.depth_samples.tensor().item<double>();
    if (depth == 0) continue;
    w.delay_motions.push_back(
        {static_cast<int>(motion.line), depth, motion.rate_hz, motion.phase_turns, motion.noise_phase_turns});
  }
  const auto turning = model.turning(rate);
  if (!turning) return;
  const auto of_pair = [](const at::Tensor& values, std::int64_t p) { return values[p].item<double>(); };
  for (std::int64_t p = 0; p < turning->pairs(); ++p) {
    w.turning.push_back({of_pair(turning->radius, p), of_pair(turning->radius_depth, p),
                         of_pair(turning->radius_rate_hz, p), of_pair(turning->radius_phase_turns, p),
                         of_pair(turning->angle_turns, p), of_pair(turning->angle_depth_turns, p),
                         of_pair(turning->angle_rate_hz, p), of_pair(turning->angle_phase_turns, p),
                         of_pair(turning->turn_hz, p)});
  }
  w.turn_left = to_vector<float>(turning->left, at::kFloat);
  w.turn_right = to_vector<float>(turning->right, at::kFloat);
}

}  // namespace

runtime::DelayNetworkWeights to_weights(const DelayNetwork& network) {
  runtime::DelayNetworkWeights w;
  w.sample_rate_hz = network.sample_rate_hz;
  w.lines = static_cast<int>(network.lines());
  w.inputs = static_cast<int>(network.inputs());
  w.outputs = static_cast<int>(network.outputs());
  w.line_sections = static_cast<int>(network.sections());
  w.A = to_vector<float>(network.a, at::kFloat);
  w.B = to_vector<float>(network.b, at::kFloat);
  w.C = to_vector<float>(network.c, at::kFloat);
  w.D = to_vector<float>(network.d, at::kFloat);
  w.delays = to_vector<std::int32_t>(network.delays.round(), at::kInt);
  w.line_sos = to_vector<double>(network.line_sos, at::kDouble);
  return w;
}

runtime::DelayNetworkWeights to_weights(const NetworkModel& model) {
  const at::NoGradGuard no_grad;  // delays that are learned stand on whole samples then
  auto w = to_weights(model.network(model.sample_rate_hz()));
  add_motion(model, w);
  return w;
}

runtime::DelayNetworkWeights to_weights(const ResponseModel& model) {
  const at::NoGradGuard no_grad;
  if (const auto* moves = dynamic_cast<const MovingResponseModel*>(&model)) return moving_weights(*moves);
  const auto responses = model.responses();
  runtime::DelayNetworkWeights w;
  w.sample_rate_hz = model.sample_rate_hz();
  w.outputs = static_cast<int>(responses.size(0));
  w.inputs = static_cast<int>(responses.size(1));
  w.D.assign(static_cast<std::size_t>(w.outputs) * static_cast<std::size_t>(w.inputs), 0.0f);
  w.early_samples = static_cast<int>(responses.size(2));
  w.early_ms = 1000 * static_cast<double>(w.early_samples) / w.sample_rate_hz;
  w.early = to_vector<float>(responses, at::kFloat);
  return w;
}

runtime::DelayNetworkWeights to_weights(const NonlinearFdn& model) {
  const at::NoGradGuard no_grad;
  const DelayNetwork network = model.network(at::kFloat);
  const NonlinearLoop loop = model.loop(network, 1);
  const AlphaDrive drive = model.alpha_drive();
  auto w = to_weights(network);
  w.nonlinear = {.limit = loop.limit.item<double>(),
                 .alpha_min = loop.alpha_min,
                 .alpha_max = loop.alpha_max,
                 .bias = drive.bias.item<double>(),
                 .depth = drive.depth.item<double>(),
                 .rate_hz = drive.rate_hz,
                 .phase_turns = drive.phase_turns,
                 .slope = loop.slope.item<double>(),
                 .reference = loop.reference,
                 .time_s = loop.time_s,
                 .rank = static_cast<int>(loop.rank()),
                 .square = to_vector<float>(loop.square, at::kFloat),
                 .out = to_vector<float>(loop.out, at::kFloat),
                 .left = to_vector<float>(loop.left, at::kFloat),
                 .right = to_vector<float>(loop.right, at::kFloat)};
  return w;
}

std::string provenance_text(const Provenance& provenance) {
  return nlohmann::json{{"config_sha256", provenance.config_sha256},
                        {"source", provenance.source},
                        {"licence", "unknown"},
                        {"created_by", "diffverb fit"}}
      .dump();
}

void write_network(const runtime::DelayNetworkWeights& weights, const std::filesystem::path& path) {
  if (const auto checked = runtime::make_model(weights); !checked.model) throw NumericError("export: " + checked.error);
  if (const std::string problem = runtime::write_weights(path, weights); !problem.empty())
    throw DataError(path.string() + ": " + problem);
}

runtime::DelayNetworkWeights to_weights(const RoomModel& model, double gain) {
  const at::NoGradGuard no_grad;
  DelayNetwork network = model.network();
  network.c = network.c * gain;
  network.d = network.d * gain;
  const auto equaliser = model.output_sos();
  const auto early = model.early_part();
  runtime::DelayNetworkWeights w = to_weights(network);
  const auto* fitted = dynamic_cast<const FittedNetwork*>(&model);
  if (fitted && fitted->keeps_motion()) add_motion(fitted->reverb(), w);
  w.early_ms = model.early_ms();
  w.output_sections = static_cast<int>(equaliser.size(1));
  w.early_samples = static_cast<int>(early.size(1));
  w.output_sos = to_vector<double>(equaliser, at::kDouble);
  w.early = to_vector<float>(early * gain, at::kFloat);
  return w;
}

void export_room(const RoomModel& model, const std::filesystem::path& path, const Provenance& provenance) {
  runtime::DelayNetworkWeights w = to_weights(model, provenance.gain);
  w.provenance = provenance_text(provenance);
  write_network(w, path);
}

}  // namespace diffverb
