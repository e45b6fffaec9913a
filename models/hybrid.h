#pragma once

#include <memory>

#include "models/room_model.h"
#include "models/term_model.h"

namespace diffverb {

class NetworkModel;

/// A linear space and what is not linear in it, side by side and trained together.
///
///   y_o = h_o * u + N_o(u),   h the response of a delay network, N a model of terms
///
/// N is neural_volterra, as in the HybridReverb of the literature on neural reverbs, or volterra. A drive in front of
/// the space, h * (u + a u^2 + b u^3), is of this form too: volterra with after_ms filters its products by what follows
/// them. A volterra's first order is an FIR beside the network: it begins as what the network lacks of the measured
/// response in its first first_ms, faded out over the last 10 ms of them. So the linear part is exact as long as that,
/// and recursive afterwards.
///
/// start_from() a pair: the linear response and, for such a volterra, those of the powers of the input, by joint least
/// squares (models/hammerstein.h); the network is designed from the first one. Before, `linear` plays as its config has
/// it; a model that exists only once it is designed (fdn) plays nothing.
///
/// Reads    outputs, sample_rate_hz; linear: a map with `type` (fdn, or a reverberator such as jot_fdn) and its keys,
///          those of FittedNetwork among them; nonlinear: a map with `type` (neural_volterra or volterra) and its keys;
///          seconds: how long the linear part plays before it is designed
/// Gradient to what both parts learn
class Hybrid final : public SignalModel {
 public:
  explicit Hybrid(Fields& fields);

  std::int64_t inputs() const override { return 1; }
  std::int64_t outputs() const override { return nonlinear_->outputs(); }
  double sample_rate_hz() const override { return nonlinear_->sample_rate_hz(); }
  std::int64_t samples() const override;
  void move_to(at::Device device) override;
  at::Tensor play(const at::Tensor& input) const override;
  void start_from(const at::Tensor& dry, const at::Tensor& wet, std::int64_t response_samples,
                  std::uint64_t seed) override;

  std::map<std::string, at::Tensor> parameters() const override;  // "linear.<name>", "nonlinear.<name>"
  double rate_scale(const std::string& parameter) const override;

  bool is_designed() const { return gain_ > 0; }
  const RoomModel& linear() const { return *linear_; }
  const TermModel& nonlinear() const { return *nonlinear_; }
  double gain() const { return gain_; }  // of the linear part, which works at unit energy; 0 before it is designed
  /// The linear part as its config has it: one input, outputs(). Throws ContractError for one that has to be designed.
  DelayNetwork undesigned_network(at::ScalarType dtype = at::kFloat) const;

 private:
  const NetworkModel* reverberator() const;                // of the linear part; null where it has to be designed
  at::Tensor linear_response(at::ScalarType dtype) const;  // [O, L]; a designed network computes in float32
  /// What the designed network lacks of a response [O, L] in its first `samples`.
  at::Tensor missing(const at::Tensor& response, std::int64_t samples) const;

  std::unique_ptr<RoomModel> linear_;
  std::unique_ptr<TermModel> nonlinear_;
  double gain_ = 0, seconds_ = 2;
};

}  // namespace diffverb
