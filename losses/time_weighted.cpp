#include "losses/time_weighted.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/error.h"

namespace diffverb {

TimeWeighted::TimeWeighted(const std::string& type, const std::string& yaml, std::vector<double> time_s,
                           std::vector<double> weights)
    : time_s_(std::move(time_s)), weights_(std::move(weights)) {
  for (std::size_t k = 0; k < time_s_.size(); ++k) {
    Fields fields = Fields::from_text(yaml);
    losses_.push_back(family<Loss>().make(type, fields));
  }
}

at::Tensor TimeWeighted::make_windows(std::int64_t samples, double rate_hz) const {
  std::vector<double> values;
  for (std::size_t k = 0; k < time_s_.size(); ++k) {
    for (std::int64_t n = 0; n < samples; ++n) {
      const double t = static_cast<double>(n) / rate_hz;
      double height = 1;
      if (k > 0 && t < time_s_[k]) height = (t - time_s_[k - 1]) / (time_s_[k] - time_s_[k - 1]);
      if (k + 1 < time_s_.size() && t > time_s_[k]) height = (time_s_[k + 1] - t) / (time_s_[k + 1] - time_s_[k]);
      values.push_back(std::sqrt(std::max(height, 0.0)));
    }
  }
  return at::tensor(values, at::kDouble).reshape({static_cast<std::int64_t>(time_s_.size()), samples});
}

Response TimeWeighted::heard_at(std::size_t knot, const Response& response) const {
  return {response.ir() * windows_[static_cast<std::int64_t>(knot)], response.sample_rate_hz()};
}

void TimeWeighted::prepare(const Response& target) {
  const at::Tensor& ir = target.ir();
  windows_ = make_windows(ir.size(2), target.sample_rate_hz()).to(ir.options().requires_grad(false));
  used_.clear();
  for (std::size_t k = 0; k < losses_.size(); ++k) {
    const Response part = heard_at(k, target);
    if (weights_[k] <= 0 || !(part.ir().square().sum(2) > 0).all().item<bool>()) continue;
    losses_[k]->prepare(part);
    used_.push_back(k);
  }
  if (used_.empty()) throw ContractError("the target is silent wherever time_weights are above 0");
}

at::Tensor TimeWeighted::evaluate(const Response& response) const {
  if (!windows_.defined()) throw ContractError("evaluate() before prepare()");
  if (response.ir().size(2) != windows_.size(1)) {
    std::ostringstream message;
    message << "the response's ir must be as long as the target's, " << windows_.size(1) << " samples, got "
            << response.ir().sizes();
    throw ContractError(message.str());
  }
  at::Tensor sum;
  double weight = 0;
  for (const std::size_t k : used_) {
    const auto value = losses_[k]->evaluate(heard_at(k, response)) * weights_[k];
    sum = sum.defined() ? sum + value : value;
    weight += weights_[k];
  }
  return sum / weight;
}

}  // namespace diffverb
