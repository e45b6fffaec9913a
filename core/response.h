#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

namespace diffverb {

/// The named tensors that a model produced, read by every loss.
///
/// Names in use: "ir" [B, C, T] impulse response, linear amplitude; "transfer_function" [B, O, I, F] complex;
/// "feedback_matrix" [N, N]. A part may add names of its own; a reader that misses one says which are there.
///
/// Throws   ContractError where a tensor or the rate was not set
class Response {
 public:
  Response() = default;
  explicit Response(double sample_rate_hz);
  Response(torch::Tensor ir, double sample_rate_hz);  // ir [B, C, T]

  double sample_rate_hz() const;
  void set_sample_rate_hz(double rate_hz);

  bool has(const std::string& name) const { return tensors_.count(name) > 0; }
  const torch::Tensor& get(const std::string& name) const;
  void set(const std::string& name, torch::Tensor value);
  std::vector<std::string> names() const;

  const torch::Tensor& ir() const { return get("ir"); }                                // [B, C, T]
  const torch::Tensor& transfer_function() const { return get("transfer_function"); }  // [B, O, I, F], complex
  void set_ir(torch::Tensor ir);                                                       // checks for three axes
  void set_transfer_function(torch::Tensor h) { set("transfer_function", std::move(h)); }

 private:
  double sample_rate_hz_ = 0;
  std::map<std::string, torch::Tensor> tensors_;
};

}  // namespace diffverb
