#include "models/fitted_network.h"

#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "core/solvers/solvers.h"
#include "models/fdn.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

/// Samples that the time-domain solver should be able to advance at once.
constexpr double kShortBlock = 48;
constexpr double kAliasDecayDb = 100;

}  // namespace

FittedNetwork::FittedNetwork(std::unique_ptr<NetworkModel> model, Fields& fields)
    : RoomModel(fields), model_(std::move(model)) {
  fields.optional("longest_s", longest_s_, inside(0.1, 30), "s");
}

void FittedNetwork::design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t /*seed*/,
                           std::int64_t /*groups_wanted*/) {
  const auto& eq_hz = shape().start(sample_rate_hz);
  room_ = std::make_unique<RoomDesign>(
      design_room(ir, sample_rate_hz, eq_hz, {.slopes = 1, .early_s = early_ms() / 1000, .longest_s = longest_s_}));
  shape().design(ir, *room_);
  model_->set_sample_rate(sample_rate_hz);
  if (!model_->decay_knob().empty()) {
    try {
      model_->set_t60(room_->t60_s);
    } catch (const ConfigError& error) {  // it begins at the nearest that there is, and learns
      log().warning(error.what());
    }
  }
  const std::int64_t channels = ir.size(0), outputs = model_->network(sample_rate_hz).outputs();
  auto mix = at::zeros({channels, outputs});
  for (std::int64_t c = 0; c < channels; ++c) mix[c][c % outputs] = 1;
  mix_ = mix.set_requires_grad(true);
  const at::NoGradGuard no_grad;
  shape().start_levels(
      *room_, [&] { return plain_response(network()); },
      [&](std::int64_t channel, double factor) { mix_[channel].mul_(factor); });
}

void FittedNetwork::move_to(at::Device device) {
  if (!device.is_cpu()) throw ConfigError("this model is fitted on the CPU, expected device: cpu");
}

std::map<std::string, at::Tensor> FittedNetwork::parameters() const {
  if (!room_) return {};  // design() makes them
  auto parameters = model_->parameters();
  parameters["output.mix"] = mix_;
  parameters["output.eq_db"] = shape().gains_db();
  return parameters;
}

double FittedNetwork::rate_scale(const std::string& parameter) const {
  if (parameter == "output.eq_db") return 20;
  if (parameter == "output.mix")
    return std::max(0.01, static_cast<double>(mix_.detach().square().mean().sqrt().item<float>()));
  return 2;  // what a sigmoid is taken of
}

DelayNetwork FittedNetwork::network() const {
  DelayNetwork network = model_->network(sample_rate_hz()).from_one_input();
  network.c = mix_.mm(network.c);
  network.d = mix_.mm(network.d);
  return network;
}

at::Tensor FittedNetwork::plain_response(const DelayNetwork& network) const {
  const auto delays = network.delays.detach();
  const double shortest = delays.masked_fill(delays.eq(0), kShortBlock).min().item<double>();
  if (shortest >= kShortBlock) return RoomModel::plain_response(network);
  // The recursion would advance by a few samples at a time. In float64, since what undoes the aliases lifts rounding too.
  std::int64_t fft_size = 1024;
  while (fft_size < samples() + samples() / 8) fft_size *= 2;
  return impulse_response_by_fft(network.to(at::kDouble), fft_size, kAliasDecayDb)
      .squeeze(1)
      .slice(1, 0, samples())
      .to(at::kFloat);
}

std::unique_ptr<FittedNetwork> fitted_network(std::unique_ptr<Model>& model, Fields& fields) {
  auto* reverb = dynamic_cast<NetworkModel*>(model.get());
  if (!reverb) return nullptr;
  model.release();
  auto fitted = std::make_unique<FittedNetwork>(std::unique_ptr<NetworkModel>(reverb), fields);
  fields.finish();
  return fitted;
}

std::unique_ptr<RoomModel> make_room_model(Fields& fields) {
  std::string type;
  fields.required("type", type);
  auto model = family<Model>().make_before_others(type, fields);
  if (auto fitted = fitted_network(model, fields)) return fitted;
  if (auto* fdn = dynamic_cast<Fdn*>(model.get())) {
    model.release();
    fields.finish();
    return std::unique_ptr<RoomModel>(fdn);
  }
  fields.fail("type",
              "'" + type + "' is not fitted to one response: it is trained on many (diffverb train), or plays them");
}

}  // namespace diffverb
