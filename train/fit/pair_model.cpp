#include "train/fit/pair_model.h"

#include "core/error.h"
#include "core/printed.h"
#include "core/spectral/response_estimate.h"
#include "models/fitted_reverb.h"

namespace diffverb {

PairModel::PairModel(Fields& fields) {
  std::string type;
  fields.required("type", type);
  model_ = family<Model>().make_before_others(type, fields);
  const bool is_response = dynamic_cast<ResponseModel*>(model_.get());  // several inputs, as it stands
  if (!is_response) {
    if (auto fitted = fitted_reverb(model_, fields)) model_ = std::move(fitted);
  }
  fields.finish();
  room_ = dynamic_cast<RoomModel*>(model_.get());
  response_ = dynamic_cast<ResponseModel*>(model_.get());
  signal_ = dynamic_cast<SignalModel*>(model_.get());
  if (!room_ && !response_ && !signal_)
    fields.fail("type", "'" + type + "' is not fitted to one pair: it is trained on many rooms (diffverb train)");
}

std::int64_t PairModel::inputs() const {
  if (room_) return 1;
  return response_ ? response_->responses().size(1) : signal_->inputs();
}

void PairModel::design(const at::Tensor& dry, const at::Tensor& wet, double sample_rate_hz,
                       std::int64_t response_samples, std::uint64_t seed) {
  const auto check = [&](const char* what, double models, double pairs) {
    if (models != pairs)
      throw ConfigError(std::string("the model has ") + printed("%g", models) + " " + what + ", the pair " +
                        printed("%g", pairs) + "; expected the same");
  };
  if (!room_) {
    check("input(s)", static_cast<double>(inputs()), static_cast<double>(dry.size(0)));
    check("output(s)", static_cast<double>(response_ ? response_->responses().size(0) : signal_->outputs()),
          static_cast<double>(wet.size(0)));
    check("Hz", response_ ? response_->sample_rate_hz() : signal_->sample_rate_hz(), sample_rate_hz);
  }
  if (response_) return;  // it begins as its file is
  if (signal_) return signal_->start_from(dry, wet, response_samples, seed);
  const auto response = estimate_response(dry.mean(0), wet, response_samples);
  gain_ = response.norm().item<double>();
  measured_ = response / gain_;
  try {
    room_->design(measured_, sample_rate_hz, seed);
  } catch (const DataError& error) {
    throw DataError(std::string("the response that division of wet by dry gives cannot be used: ") + error.what());
  }
}

void PairModel::move_to(at::Device device) {
  if (room_) return room_->move_to(device);
  if (signal_) return signal_->move_to(device);
  if (!device.is_cpu()) throw ConfigError("this model is fitted on the CPU, expected device: cpu");
}

std::int64_t PairModel::reach_samples() const {
  if (room_) return room_->samples();
  return response_ ? response_->responses().size(2) : signal_->samples();
}

void PairModel::add_features(Response& target) const {
  const auto parts = excerpts_->take_apart(target.ir());
  target.set("dry", parts.dry);
  target.set_ir(parts.wet);
}

Response PairModel::forward(const Response& target) {
  const at::Tensor& dry = target.get("dry");
  const std::int64_t wanted = target.ir().size(2), run_in = dry.size(2) - wanted;
  if (signal_) return Response(signal_->play(dry).slice(2, run_in), target.sample_rate_hz());
  Response out = model_->forward({});
  const at::Tensor response = out.ir();
  const at::Tensor taps = response_ ? response_->responses().to(dry.scalar_type()) : response[0].unsqueeze(1);
  out.set("response", response);
  out.set_ir(convolve(taps, dry).slice(2, run_in));
  return out;
}

}  // namespace diffverb
