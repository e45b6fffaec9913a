#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/terms/term.h"

namespace diffverb::runtime {

/// A frame of the last F samples of each input through one hidden layer of H units, at every sample; it may depend on K
/// slow levels of the input.
///
///     e_k(n)  = sqrt(s_k + 1e-12) - 1e-6,   s_k(n) = s_k(n - 1) + (1 - exp(-1000 / (state_ms_k rate))) (p(n) - s_k(n - 1))
///     z_h(n)  = (1 + sum_k scale_hk e_k) (bias_h + sum_i sum_d kernels_hi(F - 1 - d) u_i(n - d)) + sum_k shift_hk e_k
///     y_o(n) += sum_h output_oh (relu(z_h) - relu(bias_h))
///
/// with p the mean square of the inputs at a sample. In a file: kernels F32 [H, I, F] (oldest sample first), bias F32 [H],
/// output F32 [O, H], state_ms F64 [K], scale and shift F32 [H, K]. relu(z_h) is kept within 1e9.
struct FrameTerm final : Term {
  static constexpr const char* kKind = "frame_network";
  static constexpr double kSilence = 1e-12;
  static std::vector<const char*> tensor_names() { return {"kernels", "bias", "output", "state_ms", "scale", "shift"}; }

  int hidden = 0, frame = 0, states = 0;  // H, F, K
  std::vector<float> kernels, bias, output, scale, shift;
  std::vector<double> state_ms;

  const char* kind() const override { return kKind; }
  std::string read(const Container& file, const std::string& name, int outputs, int inputs);
  std::string check(const TermShape& shape, const std::string& name) const override;
  int memory_samples() const override { return frame; }
  void add_tensors(const TermShape& shape, const std::string& name, Tensors& to) const override;
  void add_reference(const TermShape& shape, const Signals& input, Signals& output) const override;
  std::shared_ptr<const Term> at_rate(const TermShape& shape, double to_hz) const override;
  std::unique_ptr<TermPlayer> make_player(const TermShape& shape) const override;
};

}  // namespace diffverb::runtime
