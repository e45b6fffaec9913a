#pragma once

#include <memory>

#include "models/network_model.h"
#include "models/response_model.h"
#include "models/room_model.h"

namespace diffverb {

/// A reverberator that imitates a measured room: its learned numbers, the gains from its outputs to the room's channels,
/// and the equaliser and early part of models/late_shape.h.
///
///   h_o = EQ_o * sum_p mix_op y_p,   y the reverberator's response to an impulse at all its inputs
///
/// It is fitted at rest; interpolation takes some of the highs of what moves, so that what is played then decays faster.
///
/// Reads    early_ms, crossfade_ms, output_q, longest_s, beside the reverberator's own keys; keep_motion: what moves while
///          the reverberator plays still moves in what is exported
/// Gradient to the learned numbers, mix and equaliser
class FittedReverb : public RoomModel {
 public:
  void design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t seed, std::int64_t groups_wanted = 0) override;
  /// Throws   ConfigError for anything but the CPU: the diagrams are drawn there.
  void move_to(at::Device device) override;
  const RoomDesign& room() const override { return *room_; }
  virtual const Model& reverb() const = 0;
  bool keeps_motion() const { return keep_motion_; }

  std::map<std::string, at::Tensor> parameters() const override;
  double rate_scale(const std::string& parameter) const override;

 protected:
  explicit FittedReverb(Fields& fields);
  /// Brings the reverberator near the room. Returns how many outputs it then has.
  virtual std::int64_t start(const RoomDesign& room, double sample_rate_hz) = 0;
  const at::Tensor& mix() const { return mix_; }

 private:
  double longest_s_ = 10;
  bool keep_motion_ = false;
  std::unique_ptr<RoomDesign> room_;
  at::Tensor mix_;  // [C, O] of the reverberator's outputs, a leaf
};

/// A FittedReverb that is a delay network.
class FittedNetwork final : public FittedReverb {
 public:
  FittedNetwork(std::unique_ptr<NetworkModel> model, Fields& fields) : FittedReverb(fields), model_(std::move(model)) {}

  const NetworkModel& reverb() const override { return *model_; }
  DelayNetwork network() const override;

 private:
  std::int64_t start(const RoomDesign& room, double sample_rate_hz) override;
  at::Tensor plain_response(const DelayNetwork& network) const override;

  std::unique_ptr<NetworkModel> model_;
};

/// A FittedReverb that plays a response: a network without lines, all of it early part.
class FittedResponse final : public FittedReverb {
 public:
  FittedResponse(std::unique_ptr<FittableResponse> model, Fields& fields)
      : FittedReverb(fields), model_(std::move(model)) {}

  const FittableResponse& reverb() const override { return *model_; }
  DelayNetwork network() const override;
  at::Tensor output_sos() const override;
  at::Tensor early_part() const override;

 private:
  std::int64_t start(const RoomDesign& room, double sample_rate_hz) override;
  at::Tensor plain_response(const DelayNetwork& network) const override;

  std::unique_ptr<FittableResponse> model_;
};

/// A reverberator with what a fit puts around it, which reads its keys beside the reverberator's; null, and `model` as it
/// was, for another model. For one that is only to be played, FittedReverb::reverb() is it.
std::unique_ptr<FittedReverb> fitted_reverb(std::unique_ptr<Model>& model, Fields& fields);

/// The model that a config's `model` map describes: an Fdn, or a fitted_reverb().
/// Throws   ConfigError at `type` where it is neither
std::unique_ptr<RoomModel> make_room_model(Fields& fields);

}  // namespace diffverb
