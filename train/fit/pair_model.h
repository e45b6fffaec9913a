#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "models/response_model.h"
#include "models/room_model.h"
#include "models/signal_model.h"
#include "train/fit/pair_excerpts.h"

namespace diffverb {

/// Any model of one space as what is fitted to a pair: it hears the dry sound of an excerpt and gives the wet one.
///
///   linear (RoomModel, ResponseModel)   y = h * dry, h the model's response, by one transform
///   SignalModel                         y = what it plays
///
/// A RoomModel is designed from the response that division of wet by dry gives (core/spectral/response_estimate.h),
/// scaled to unit energy: it then works on wet / gain(). What moves while it plays is fitted as it stands at rest.
///
/// Returns  forward(): "ir" [B, C, T]; of a linear model also "response" [1, C, L] and what else the model gives
class PairModel final : public Model {
 public:
  /// Reads    the model's own keys and, of a reverberator, those of FittedNetwork
  /// Throws   ConfigError at `type` for a model of many rooms
  explicit PairModel(Fields& fields);

  std::int64_t inputs() const;  // 1 takes the mean of the dry channels
  /// Sets what can be known from the pair alone, and says whether model and pair go together.
  /// Reads    dry [I, N], wet [C, N] float64: the part to train on; response_samples that division is to find
  /// Throws   ConfigError for another number of channels or rate; DataError where nothing decays
  void design(const at::Tensor& dry, const at::Tensor& wet, double sample_rate_hz, std::int64_t response_samples,
              std::uint64_t seed);
  void move_to(at::Device device);
  /// Where examples come from; outlives the model's use.
  void set_excerpts(const PairExcerpts& excerpts) { excerpts_ = &excerpts; }

  bool is_linear() const { return !signal_; }
  double gain() const { return gain_; }
  const at::Tensor& measured_response() const { return measured_; }  // [C, L] of unit energy, where it was divided for
  std::int64_t reach_samples() const;                                // how far back the input counts
  const RoomModel* room() const { return room_; }
  const ResponseModel* response() const { return response_; }
  const SignalModel* signal() const { return signal_; }

  std::map<std::string, at::Tensor> parameters() const override { return model_->parameters(); }
  double rate_scale(const std::string& parameter) const override { return model_->rate_scale(parameter); }
  std::map<std::string, at::Tensor> buffers() const override { return model_->buffers(); }
  void set_training(bool training) override { model_->set_training(training); }
  void set_seed(std::uint64_t seed) override { model_->set_seed(seed); }
  void add_features(Response& target) const override;
  Response forward(const Response& target) override;

 private:
  std::unique_ptr<Model> model_;
  RoomModel* room_ = nullptr;  // what model_ is: one of these
  ResponseModel* response_ = nullptr;
  SignalModel* signal_ = nullptr;
  const PairExcerpts* excerpts_ = nullptr;
  at::Tensor measured_;
  double gain_ = 1;
};

}  // namespace diffverb
