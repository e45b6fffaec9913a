#include "train/training/gradient_balance.h"

#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdio>

#include "core/log.h"
#include "train/training/distributed.h"

namespace diffverb {

namespace {

double norm_of_gradient(const at::Tensor& value, const std::vector<at::Tensor>& parameters) {
  if (!value.requires_grad()) return 0;
  double square = 0;
  const auto gradients = torch::autograd::grad({value}, parameters, {}, /*retain_graph=*/true, /*create_graph=*/false,
                                               /*allow_unused=*/true);
  for (const at::Tensor& gradient : gradients) {
    if (gradient.defined()) square += gradient.square().sum().item<double>();
  }
  return std::sqrt(square);
}

}  // namespace

void GradientBalance::measure(std::int64_t step, const std::vector<at::Tensor>& values,
                              const FlatParameters& parameters, Distributed* ranks) {
  if (!measures(step)) return;
  std::vector<at::Tensor> leaves;
  for (const auto& entry : parameters.entries()) leaves.push_back(entry.parameter);
  std::vector<double> norms;
  for (const at::Tensor& value : values) norms.push_back(norm_of_gradient(value, leaves));
  if (ranks) {
    at::Tensor all = at::tensor(norms, at::kDouble);
    ranks->sum_in_place(all);
    const double* sums = all.const_data_ptr<double>();
    for (std::size_t i = 0; i < norms.size(); ++i) norms[i] = sums[i] / ranks->size();
  }
  sums_.resize(norms.size());
  for (std::size_t i = 0; i < norms.size(); ++i) sums_[i] += norms[i];
  if (measures(step + 1) || (ranks && ranks->rank() != 0)) return;
  std::string text;
  const auto all = factors();
  for (std::size_t i = 0; i < all.size(); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, " %.3g", all[i]);
    text += (i > 0 ? ", " : "") + losses_[i].name + number;
  }
  log().info("losses balanced by gradient norm: weights times " + text);
}

std::vector<double> GradientBalance::factors() const {
  std::vector<double> out(losses_.size(), 1.0);
  double mean = 0;
  for (const double sum : sums_) mean += sum / static_cast<double>(sums_.size());
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    if (sums_[i] != 0) out[i] = mean / sums_[i];
  }
  return out;
}

}  // namespace diffverb
