#include "train/network_config.h"

#include <ATen/ops/tensor.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/fields.h"
#include "core/sha256.h"
#include "models/fitted_reverb.h"
#include "models/response_model.h"
#include "models/signal_model.h"
#include "train/export.h"
#include "train/export_terms.h"

namespace diffverb {
namespace {

runtime::DelayNetworkWeights weights_of(Fields& map, const std::string& type) {
  auto model = family<Model>().make_before_others(type, map);
  const auto fitted = fitted_reverb(model, map);  // a config for a fit plays too
  if (!fitted) map.finish();
  const Model& reverb = fitted ? fitted->reverb() : *model;
  if (const auto* network = dynamic_cast<const NetworkModel*>(&reverb)) return to_weights(*network);
  if (const auto* plays = dynamic_cast<const ResponseModel*>(&reverb)) return to_weights(*plays);
  if (const auto* plays = dynamic_cast<const SignalModel*>(&reverb)) return to_weights(*plays);
  map.fail("type", "'" + type + "' has nothing to play before it is fitted or trained");
}

}  // namespace

bool is_config(const std::filesystem::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

runtime::DelayNetworkWeights network_of_config(const std::filesystem::path& config,
                                               const std::vector<std::string>& overlays) {
  const at::NoGradGuard no_grad;
  Fields fields = Fields::from_file(config, overlays);
  if (!fields.has("model")) fields.fail("model", "a map with the model's type expected");
  Fields map = fields.map("model");
  std::string type;
  map.required("type", type);
  runtime::DelayNetworkWeights weights = weights_of(map, type);
  weights.provenance = nlohmann::json{
      {"config_sha256", sha256_hex(map.resolved_yaml())},
      {"source", type},
      {"licence", "unknown"},
      {"created_by",
       "diffverb export"}}.dump();
  return weights;
}

DelayNetwork to_network(const runtime::DelayNetworkWeights& w) {
  const auto matrix = [](const std::vector<float>& values, int rows, int columns) {
    return at::tensor(values).to(at::kDouble).reshape({rows, columns});
  };
  DelayNetwork network;
  network.a = matrix(w.A, w.lines, w.lines);
  network.b = matrix(w.B, w.lines, w.inputs);
  network.c = matrix(w.C, w.outputs, w.lines);
  network.d = matrix(w.D, w.outputs, w.inputs);
  network.delays = at::tensor(w.delays).to(at::kDouble);
  network.line_sos = at::tensor(w.line_sos, at::kDouble).reshape({w.lines, w.line_sections, 5});
  network.sample_rate_hz = w.sample_rate_hz;
  return network;
}

std::shared_ptr<const runtime::Model> playable_model(const std::filesystem::path& config,
                                                     const std::vector<std::string>& overlays) {
  const auto result = runtime::make_model(network_of_config(config, overlays));
  if (!result.model) throw NumericError(config.string() + ": the runtime refuses the network: " + result.error);
  return result.model;
}

}  // namespace diffverb
