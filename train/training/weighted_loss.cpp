#include "train/training/weighted_loss.h"

#include <ATen/ops/stack.h>

#include <algorithm>

#include "core/error.h"
#include "losses/composite.h"

namespace diffverb {

std::vector<WeightedLoss> read_losses(Fields& fields, const std::string& key) {
  std::vector<WeightedLoss> losses;
  for (Fields& entry : fields.list(key)) {
    WeightedLoss loss;
    std::string type;
    entry.optional("weight", loss.weight, at_least(0));
    entry.required("type", type);
    loss.name = type;
    const auto taken = [&] {
      return std::any_of(losses.begin(), losses.end(),
                         [&](const WeightedLoss& other) { return other.name == loss.name; });
    };
    for (int k = 2; taken(); ++k) loss.name = type + "_" + std::to_string(k);
    loss.loss = family<Loss>().make(entry);
    losses.push_back(std::move(loss));
  }
  const auto counts = [](const WeightedLoss& loss) { return loss.weight > 0; };
  if (!losses.empty() && std::none_of(losses.begin(), losses.end(), counts))
    fields.fail(key, "all weights are 0, expected one above 0");
  return losses;
}

void prepare_losses(const std::vector<WeightedLoss>& losses, const Response& target, const std::string& source) {
  for (const WeightedLoss& loss : losses) {
    try {
      loss.loss->prepare(target);
    } catch (const ContractError& error) {
      throw ConfigError("losses: " + loss.name + " does not go with " + source + ": " + error.what());
    }
  }
}

std::vector<std::string> term_names(const std::vector<WeightedLoss>& losses) {
  std::vector<std::string> names;
  for (const WeightedLoss& loss : losses) {
    names.push_back(loss.name);
    for (const std::string& inner : term_names(*loss.loss)) names.push_back(loss.name + "." + inner);
  }
  return names;
}

Evaluated evaluate_losses(const std::vector<WeightedLoss>& losses, const Response& response) {
  const auto detached = [](const at::Tensor& loss) { return loss.detach().to(at::kDouble); };
  Evaluated out;
  for (const WeightedLoss& loss : losses) {
    std::vector<at::Tensor> inner;
    const at::Tensor value = evaluate_with_terms(*loss.loss, response, inner);
    out.losses.push_back(value);
    out.terms.push_back(detached(value));
    for (const at::Tensor& term : inner) out.terms.push_back(detached(term));
  }
  return out;
}

Summed weighted_sum(const std::vector<WeightedLoss>& losses, const Evaluated& evaluated,
                    const std::vector<double>& factors) {
  Summed out;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const at::Tensor weighted = evaluated.losses[i] * (losses[i].weight * factors[i]);
    out.total = out.total.defined() ? out.total + weighted : weighted;
  }
  auto values = evaluated.terms;
  values.push_back(out.total.detach().to(at::kDouble));
  out.values = at::stack(values);
  return out;
}

}  // namespace diffverb
