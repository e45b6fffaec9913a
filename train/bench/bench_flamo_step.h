#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/network/delay_network.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {

/// Where a training step of FLAMO's examples starts, ours and the peer's.
struct FlamoStart {
  static constexpr std::int64_t kFftSize = 96000;
  static constexpr double kAliasDecayDb = 30;
  static FlamoStart colorless(std::int64_t lines);
  static FlamoStart e8(std::int64_t lines);

  std::vector<std::int64_t> delays;
  std::map<std::string, at::Tensor> parameters;  // input_gain, output_gain, matrix, attenuation: as FLAMO has them
  at::Tensor target;                             // [T] of e8
};

/// Our side of such a step.
class FlamoStep {
 public:
  virtual ~FlamoStep() = default;
  /// Gradients, one step of Adam, and the value of the loss before it.
  double run();
  /// By the parameters' names, of the last run.
  std::map<std::string, at::Tensor> gradients() const;

 protected:
  FlamoStep(const FlamoStart& start, double rate, at::ScalarType type);
  virtual at::Tensor loss() = 0;

  at::Tensor feedback_matrix() const;
  at::TensorOptions options() const { return at::TensorOptions().dtype(type_); }
  at::ScalarType complex_type() const { return c10::toComplexType(type_); }

  std::map<std::string, at::Tensor> parameters_;
  DelayNetwork network_;  // without what is trained
  at::Tensor omega_;
  double radius_ = 1;

 private:
  double rate_;
  at::ScalarType type_;
  std::vector<at::Tensor> values_, first_, second_, steps_;
};

/// In float32, which is timed, or in float64, which shows that it is the same step.
std::unique_ptr<FlamoStep> make_colorless_step(const FlamoStart& start, at::ScalarType type = at::kFloat);
std::unique_ptr<FlamoStep> make_e8_step(const FlamoStart& start, at::ScalarType type = at::kFloat);

}  // namespace diffverb
