#include "train/export_terms.h"

#include <algorithm>
#include <cstddef>
#include <memory>

#include "core/error.h"
#include "models/hybrid.h"
#include "runtime/terms/frame_term.h"
#include "runtime/terms/product_term.h"
#include "train/export.h"
#include "train/tensor_values.h"

namespace diffverb {
namespace {

int extent(const at::Tensor& tensor, std::int64_t axis) { return static_cast<int>(tensor.size(axis)); }

std::shared_ptr<const runtime::Term> to_term(const ProductTerms& products) {
  auto term = std::make_shared<runtime::ProductTerm>();
  term->groups = extent(products.factors, 1);
  term->rank = extent(products.factors, 2);
  term->order = extent(products.factors, 3);
  term->samples = extent(products.factors, 5);
  term->factors = to_vector<float>(products.factors, at::kFloat);
  if (!products.after.defined()) return term;
  term->after_samples = extent(products.after, 2);
  term->after = to_vector<float>(products.after, at::kFloat);
  return term;
}

std::shared_ptr<const runtime::Term> to_term(const FrameNetwork& network) {
  auto term = std::make_shared<runtime::FrameTerm>();
  term->hidden = extent(network.kernels, 0);
  term->frame = extent(network.kernels, 2);
  term->kernels = to_vector<float>(network.kernels, at::kFloat);
  term->bias = to_vector<float>(network.bias, at::kFloat);
  term->output = to_vector<float>(network.output, at::kFloat);
  term->states = static_cast<int>(network.state_ms.size());
  term->state_ms = network.state_ms;
  if (term->states == 0) return term;
  term->scale = to_vector<float>(network.scale, at::kFloat);
  term->shift = to_vector<float>(network.shift, at::kFloat);
  return term;
}

/// Adds a response [O, I, L] to the early part, which becomes as long as the longer of both.
void add_response(const at::Tensor& response, runtime::DelayNetworkWeights& w) {
  const auto values = to_vector<float>(response, at::kFloat);
  const auto length = static_cast<std::size_t>(response.size(2)), old = static_cast<std::size_t>(w.early_samples);
  const std::size_t longest = std::max(length, old), rows = values.size() / length;
  std::vector<float> sum(rows * longest, 0.0f);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t n = 0; n < old; ++n) sum[row * longest + n] = w.early[row * old + n];
    for (std::size_t n = 0; n < length; ++n) sum[row * longest + n] += values[row * length + n];
  }
  w.early = std::move(sum);
  w.early_samples = static_cast<int>(longest);
  w.early_ms = std::max(w.early_ms, 1000 * static_cast<double>(length) / w.sample_rate_hz);
}

}  // namespace

void add_terms(const TermModel& model, runtime::DelayNetworkWeights& w) {
  if (model.inputs() != w.inputs || model.outputs() != w.outputs || model.sample_rate_hz() != w.sample_rate_hz)
    throw ContractError("terms beside a network of other inputs, outputs or sample rate");
  const at::NoGradGuard no_grad;
  const TermModel::Parts parts = model.parts();
  if (parts.response.defined()) add_response(parts.response, w);
  for (const ProductTerms& products : parts.products) w.terms.push_back(to_term(products));
  for (const FrameNetwork& network : parts.networks) w.terms.push_back(to_term(network));
}

namespace {

runtime::DelayNetworkWeights weights_of(const Hybrid& model) {
  const at::NoGradGuard no_grad;
  runtime::DelayNetworkWeights w = model.is_designed() ? to_weights(model.linear(), model.gain())
                                                       : to_weights(with_whole_delays(model.undesigned_network()));
  add_terms(model.nonlinear(), w);
  return w;
}

}  // namespace

runtime::DelayNetworkWeights to_weights(const SignalModel& model) {
  if (const auto* nonlinear = dynamic_cast<const NonlinearFdn*>(&model)) return to_weights(*nonlinear);
  if (const auto* hybrid = dynamic_cast<const Hybrid*>(&model)) return weights_of(*hybrid);
  const auto* terms = dynamic_cast<const TermModel*>(&model);
  if (!terms) throw ContractError("export: a model of signals that the runtime does not play");
  runtime::DelayNetworkWeights w;
  w.sample_rate_hz = model.sample_rate_hz();
  w.inputs = static_cast<int>(model.inputs());
  w.outputs = static_cast<int>(model.outputs());
  w.D.assign(static_cast<std::size_t>(w.outputs) * static_cast<std::size_t>(w.inputs), 0.0f);
  add_terms(*terms, w);
  return w;
}

}  // namespace diffverb
