#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/response.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {

/// Gradient descent on a latent point itself, from where an encoder put it: Adam on the point before its bound
/// b tanh(x / b), the rate falling to 0.
///
/// Reads    losses: YAML maps and weights; target, prepared for; start [1, L], each in (-bound, bound); decode: what a
///          point becomes, differentiable
/// Returns  [1, L]: the point of the least loss on the way
class LatentRefinement {
 public:
  struct Settings {
    int steps = 200;
    double rate = 0.05, bound = 2;
  };
  LatentRefinement(const std::vector<std::pair<std::string, double>>& losses, const Settings& settings);

  at::Tensor refine(const Response& target, const at::Tensor& start,
                    const std::function<Response(const at::Tensor&)>& decode);

 private:
  Settings settings_;
  std::vector<std::pair<double, std::unique_ptr<Loss>>> losses_;
};

}  // namespace diffverb
