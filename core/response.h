#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// The named tensors that a model produced, read by every loss.
///
/// Names in use: "ir" [B, C, T] impulse response, linear amplitude, or what was recorded where a pair was given; "dry"
/// [B, I, T] what was played then; "transfer_function" [B, O, I, F] complex; "feedback_matrix" [N, N]. A part may add names of its own; a reader that misses one says which are there.
///
/// Throws   ContractError where a tensor or the rate was not set
class Response {
 public:
  Response() = default;
  explicit Response(double sample_rate_hz);
  Response(at::Tensor ir, double sample_rate_hz);  // ir [B, C, T]

  double sample_rate_hz() const;
  void set_sample_rate_hz(double rate_hz);

  bool has(const std::string& name) const { return tensors_.count(name) > 0; }
  const at::Tensor& get(const std::string& name) const;
  void set(const std::string& name, at::Tensor value);
  std::vector<std::string> names() const;

  const at::Tensor& ir() const { return get("ir"); }                                // [B, C, T]
  const at::Tensor& transfer_function() const { return get("transfer_function"); }  // [B, O, I, F], complex
  void set_ir(at::Tensor ir);                                                       // checks for three axes
  void set_transfer_function(at::Tensor h) { set("transfer_function", std::move(h)); }

 private:
  double sample_rate_hz_ = 0;
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace diffverb
