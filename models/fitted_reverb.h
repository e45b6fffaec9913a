#pragma once

#include <memory>

#include "models/network_model.h"
#include "models/room_model.h"

namespace diffverb {

/// A reverberator of fixed structure that imitates a measured room: its learned numbers, the gains from its outputs to
/// the room's channels, and the equaliser and early part of models/late_shape.h.
///
///   h_o = EQ_o * sum_p mix_op y_p,   y the model's response to an impulse at all its inputs
///
/// Reads    early_ms, crossfade_ms, output_q, longest_s, beside the model's own keys
/// Gradient to the learned numbers, mix and equaliser
class FittedNetwork final : public RoomModel {
 public:
  FittedNetwork(std::unique_ptr<NetworkModel> model, Fields& fields);

  void design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t seed, std::int64_t groups_wanted = 0) override;
  /// Throws   ConfigError for anything but the CPU: the diagrams are drawn there.
  void move_to(at::Device device) override;
  const RoomDesign& room() const override { return *room_; }
  const NetworkModel& model() const { return *model_; }

  std::map<std::string, at::Tensor> parameters() const override;
  double rate_scale(const std::string& parameter) const override;
  DelayNetwork network() const override;

 private:
  at::Tensor plain_response(const DelayNetwork& network) const override;

  std::unique_ptr<NetworkModel> model_;
  double longest_s_ = 10;
  std::unique_ptr<RoomDesign> room_;
  at::Tensor mix_;  // [C, O] of the model's outputs, a leaf
};

/// A reverberator with what a fit puts around it, which reads its keys beside the reverberator's; null, and `model` as it
/// was, for another model. For one that is only to be played, FittedNetwork::model() is it.
std::unique_ptr<FittedNetwork> fitted_network(std::unique_ptr<Model>& model, Fields& fields);

/// The model that a config's `model` map describes: an Fdn, or a fitted_network().
/// Throws   ConfigError at `type` where it is neither
std::unique_ptr<RoomModel> make_room_model(Fields& fields);

}  // namespace diffverb
