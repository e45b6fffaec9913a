#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/tensor.h"
#include "models/frame_network.h"
#include "models/product_terms.h"
#include "models/signal_model.h"

namespace diffverb {

/// Channels and rate of a model of signals.
///
/// Keys  inputs, outputs, sample_rate_hz
struct SignalShape {
  std::int64_t inputs = 1, outputs = 1;
  double sample_rate_hz = 48000;

  static SignalShape read(Fields& fields);
  std::int64_t samples_of(double ms) const;  // at least one
};

/// A model of signals without feedback: a linear response, and terms beside it that are not linear.
///
/// Parameters are float64; what plays is computed in the input's type.
class TermModel : public SignalModel {
 public:
  struct Parts {
    at::Tensor response;  // [O, I, L]; undefined: none
    std::vector<ProductTerms> products;
    std::vector<FrameNetwork> networks;
  };
  /// What play() sums and what is exported.
  /// Gradient to the parameters
  virtual Parts parts() const = 0;

  explicit TermModel(const SignalShape& shape) : shape_(shape) {}
  std::int64_t inputs() const override { return shape_.inputs; }
  std::int64_t outputs() const override { return shape_.outputs; }
  double sample_rate_hz() const override { return shape_.sample_rate_hz; }
  std::map<std::string, at::Tensor> parameters() const override { return leaves_; }
  /// How large a parameter's values are at the start: taps of long filters are small, and steps are to be in proportion.
  double rate_scale(const std::string& parameter) const override;
  void move_to(at::Device device) override;
  at::Tensor play(const at::Tensor& input) const override;

 protected:
  const SignalShape& shape() const { return shape_; }
  /// Makes a parameter, or gives one other values of its shape.
  void set(const std::string& name, const at::Tensor& value);
  const at::Tensor& operator[](const std::string& name) const { return leaves_.at(name); }
  bool has(const std::string& name) const { return leaves_.contains(name); }

 private:
  SignalShape shape_;
  std::map<std::string, at::Tensor> leaves_;
};

}  // namespace diffverb
