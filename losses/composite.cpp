#include "losses/composite.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace diffverb {

void Composite::add(Fields& fields, const std::string& key, const std::string& type, double weight) {
  Fields map = fields.map(key);
  map.optional("weight", weight, at_least(0));
  add({key, weight, family<Loss>().make(type, map)});
}

void Composite::add(Term term) { terms_.push_back(std::move(term)); }

void Composite::check_weights(const Fields& fields) const {
  if (std::none_of(terms_.begin(), terms_.end(), [&](const Term& term) { return is_used(term); }))
    fields.fail(terms_[0].name, "all weights of '" + name_ + "' are 0, expected one above 0");
}

void Composite::prepare(const Response& target) {
  try {
    for (const Term& term : terms_) {
      if (is_used(term)) term.loss->prepare(target);
    }
  } catch (const ContractError& error) {
    throw ContractError(name_ + ": " + error.what());
  }
}

at::Tensor Composite::evaluate(const Response& response) const {
  std::vector<at::Tensor> values;
  return evaluate(response, values);
}

at::Tensor Composite::evaluate(const Response& response, std::vector<at::Tensor>& values) const {
  at::Tensor sum;
  try {
    for (const Term& term : terms_) {
      if (!is_used(term)) continue;
      std::vector<at::Tensor> inner;
      const auto value = evaluate_with_terms(*term.loss, response, inner);
      values.push_back(value);
      values.insert(values.end(), inner.begin(), inner.end());
      sum = sum.defined() ? sum + value * term.weight : value * term.weight;
    }
  } catch (const ContractError& error) {
    throw ContractError(name_ + ": " + error.what());
  }
  return sum;
}

double Composite::value_at_target() const {
  double sum = 0;
  for (const Term& term : terms_) {
    if (is_used(term)) sum += term.weight * term.loss->value_at_target();
  }
  return sum;
}

std::vector<std::string> Composite::names() const {
  std::vector<std::string> out;
  for (const Term& term : terms_) {
    if (!is_used(term)) continue;
    out.push_back(term.name);
    for (const std::string& inner : term_names(*term.loss)) out.push_back(term.name + "." + inner);
  }
  return out;
}

at::Tensor evaluate_with_terms(const Loss& loss, const Response& response, std::vector<at::Tensor>& values) {
  const auto* sum = dynamic_cast<const Composite*>(&loss);
  return sum ? sum->evaluate(response, values) : loss.evaluate(response);
}

std::vector<std::string> term_names(const Loss& loss) {
  const auto* sum = dynamic_cast<const Composite*>(&loss);
  return sum ? sum->names() : std::vector<std::string>{};
}

}  // namespace diffverb
