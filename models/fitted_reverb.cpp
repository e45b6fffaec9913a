#include "models/fitted_reverb.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/log.h"
#include "core/solvers/solvers.h"
#include "models/decay_change.h"
#include "models/fdn.h"

namespace diffverb {
namespace {

/// Samples that the time-domain solver should be able to advance at once.
constexpr double kShortBlock = 48;
constexpr double kAliasDecayDb = 100;

/// Decay times of the octaves, 0 where the room's was not measured.
std::vector<double> octave_times(const RoomDesign::DecayCurve& curve, const std::vector<double>& octaves_hz) {
  std::vector<double> times(octaves_hz.size(), 0.0);
  for (std::size_t k = 0; k < times.size(); ++k) {
    for (std::size_t i = 0; i < curve.hz.size(); ++i) {
      const bool is_octave = curve.weight[i] == 1;
      if (is_octave && std::abs(std::log2(curve.hz[i] / octaves_hz[k])) < 0.1) times[k] = curve.t60_s[i];
    }
  }
  return times;
}

}  // namespace

FittedReverb::FittedReverb(Fields& fields) : RoomModel(fields) {
  fields.optional("longest_s", longest_s_, inside(0.1, 30), "s");
  fields.optional("keep_motion", keep_motion_);
}

void FittedReverb::design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t /*seed*/,
                          std::int64_t /*groups_wanted*/) {
  const auto& eq_hz = shape().start(sample_rate_hz);
  room_ = std::make_unique<RoomDesign>(
      design_room(ir, sample_rate_hz, eq_hz, {.slopes = 1, .early_s = early_ms() / 1000, .longest_s = longest_s_}));
  shape().design(ir, *room_);
  const std::int64_t channels = ir.size(0), outputs = start(*room_, sample_rate_hz);
  auto mix = at::zeros({channels, outputs});
  for (std::int64_t c = 0; c < channels; ++c) mix[c][c % outputs] = 1;
  mix_ = mix.set_requires_grad(true);
  const at::NoGradGuard no_grad;
  shape().start_levels(
      *room_, [&] { return plain_response(network()); },
      [&](std::int64_t channel, double factor) { mix_[channel].mul_(factor); });
}

void FittedReverb::move_to(at::Device device) {
  if (!device.is_cpu()) throw ConfigError("this model is fitted on the CPU, expected device: cpu");
}

std::map<std::string, at::Tensor> FittedReverb::parameters() const {
  if (!room_) return {};  // design() makes them
  auto parameters = reverb().parameters();
  parameters["output.mix"] = mix_;
  parameters["output.eq_db"] = shape().gains_db();
  return parameters;
}

double FittedReverb::rate_scale(const std::string& parameter) const {
  if (parameter == "output.eq_db") return 20;
  if (parameter == "output.mix")
    return std::max(0.01, static_cast<double>(mix_.detach().square().mean().sqrt().item<float>()));
  return 2;  // what a sigmoid is taken of
}

std::int64_t FittedNetwork::start(const RoomDesign& room, double sample_rate_hz) {
  model_->set_sample_rate(sample_rate_hz);
  if (!model_->decay_knob().empty()) {
    try {
      model_->set_t60(room.t60_s);
    } catch (const ConfigError& error) {  // it begins at the nearest that there is, and learns
      log().warning(error.what());
    }
  }
  if (!keeps_motion() && (!model_->motion(sample_rate_hz).empty() || model_->turning(sample_rate_hz)))
    log().info("what moves in this reverberator stands still in the fit (model.keep_motion: true keeps it moving)");
  return model_->network(sample_rate_hz).outputs();
}

DelayNetwork FittedNetwork::network() const {
  DelayNetwork network = model_->network(sample_rate_hz()).from_one_input();
  network.c = mix().mm(network.c);
  network.d = mix().mm(network.d);
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

std::int64_t FittedResponse::start(const RoomDesign& room, double sample_rate_hz) {
  model_->start_from(sample_rate_hz, octave_times(room.slopes[0], DecayChange::band_hz()));
  const at::NoGradGuard no_grad;
  return model_->responses().size(0);
}

DelayNetwork FittedResponse::network() const {
  DelayNetwork network;
  const std::int64_t channels = mix().size(0);
  network.a = at::zeros({0, 0});
  network.b = at::zeros({0, 1});
  network.c = at::zeros({channels, 0});
  network.d = at::zeros({channels, 1});
  network.delays = at::zeros({0});
  network.line_sos = at::zeros({0, 0, 5}, at::kDouble);
  network.sample_rate_hz = sample_rate_hz();
  return network;
}

at::Tensor FittedResponse::plain_response(const DelayNetwork& /*network*/) const {
  const auto heard = model_->responses().sum(1).to(at::kFloat);  // [O, L]
  return mix().mm(at::constant_pad_nd(heard, {0, samples() - heard.size(1)}));
}

at::Tensor FittedResponse::output_sos() const { return at::zeros({mix().size(0), 0, 5}, at::kDouble); }

at::Tensor FittedResponse::early_part() const {
  const at::NoGradGuard no_grad;
  return response(plain_response(network()));
}

std::unique_ptr<FittedReverb> fitted_reverb(std::unique_ptr<Model>& model, Fields& fields) {
  auto* network = dynamic_cast<NetworkModel*>(model.get());
  auto* plays = dynamic_cast<FittableResponse*>(model.get());
  if (!network && !plays) return nullptr;
  model.release();
  std::unique_ptr<FittedReverb> fitted;
  if (network) fitted = std::make_unique<FittedNetwork>(std::unique_ptr<NetworkModel>(network), fields);
  if (plays) fitted = std::make_unique<FittedResponse>(std::unique_ptr<FittableResponse>(plays), fields);
  fields.finish();
  return fitted;
}

std::unique_ptr<RoomModel> make_room_model(Fields& fields) {
  std::string type;
  fields.required("type", type);
  auto model = family<Model>().make_before_others(type, fields);
  if (auto fitted = fitted_reverb(model, fields)) return fitted;
  if (auto* fdn = dynamic_cast<Fdn*>(model.get())) {
    model.release();
    fields.finish();
    return std::unique_ptr<RoomModel>(fdn);
  }
  fields.fail("type",
              "'" + type +
                  "' is not fitted to one response: expected a delay network or reverberator; others are fitted " +
                  "to a pair (diffverb fit --dry --wet), trained on many (diffverb train), or play them");
}

}  // namespace diffverb
