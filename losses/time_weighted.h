#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/response.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {

/// One loss over time, some times counting more: J = sum_k w_k d(P(v_k h), P(v_k g)) / sum_k w_k.
///
/// v_k^2 are the triangles between the knots time_s, 1 before the first and after the last, which sum to 1; d is the
/// loss, prepared for the target v_k g. Where a channel of the target is silent within a triangle, that knot is left
/// out.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape
/// Throws   what the loss throws; ContractError where no knot is left
class TimeWeighted final : public Loss {
 public:
  /// Reads    type, yaml: the loss and its keys; time_s ascending, weights as many, >= 0
  TimeWeighted(const std::string& type, const std::string& yaml, std::vector<double> time_s,
               std::vector<double> weights);

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  at::Tensor make_windows(std::int64_t samples, double rate_hz) const;  // [knots, T]
  Response heard_at(std::size_t knot, const Response& response) const;

  std::vector<double> time_s_, weights_;
  std::vector<std::unique_ptr<Loss>> losses_;  // one a knot
  at::Tensor windows_;                         // [knots, T]
  std::vector<std::size_t> used_;
};

}  // namespace diffverb
