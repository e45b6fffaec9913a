// The solvers, feedback matrices and losses as torch operators: torch.ops.load_library("libdiffverb_ops.so"), then
// torch.ops.diffverb.<name>. python/diffverb.py has the list with its arguments.
//
// An operator with a gradient of its own consists of three: the one that people call, whose Autograd kernel keeps what
// the gradient needs, and <name>_forward and <name>_backward, which make it and use it. All have a Meta kernel, so that
// torch.compile and torch.export see through them.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_matrix_exp.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>

#include "core/error.h"
#include "core/fields.h"
#include "core/network/delay_network.h"
#include "core/solvers/frequency_tensors.h"
#include "core/solvers/time_tensors.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <typename Signature>
auto op(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

/// Of a Meta tensor's shape, whatever it is.
Tensor empty_like_it(const Tensor& t) { return at::empty_symint(t.sym_sizes(), t.options()); }

// ---- frequency_response

using FrequencySignature = Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                  const Tensor&, const Tensor&, double);
using FrequencyForwardSignature = std::tuple<Tensor, Tensor>(const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                                             const Tensor&, const Tensor&, const Tensor&, double, bool,
                                                             bool);
using FrequencyBackwardSignature = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>(
    const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
    const Tensor&, const Tensor&, double, bool);

void check_shapes(const FrequencyTensors& t) {
  const auto fail = [](const std::string& what) { throw ContractError("frequency_response: " + what); };
  const std::int64_t dims = t.a.dim();
  if (dims != 2 && dims != 3) fail("a must be [N, N] or [R, N, N]");
  if (t.a.scalar_type() != at::kFloat && t.a.scalar_type() != at::kDouble)
    fail(std::string("a has type ") + toString(t.a.scalar_type()) + ", expected float32 or float64");
  if (dims == 3 && t.a.size(0) < 1) fail("a batch of no networks");
  const std::int64_t n = t.a.size(-1);
  if (n < 1 || t.a.size(-2) != n) fail("a must be square, with N >= 1");
  const auto matrix = [&](const char* name, const Tensor& m, std::int64_t rows, std::int64_t columns) {
    const bool fits = m.dim() == dims && m.size(-2) == rows && m.size(-1) == columns && columns > 0 && rows > 0;
    if (!fits || m.scalar_type() != t.a.scalar_type() || (dims == 3 && m.size(0) != t.a.size(0)))
      fail(std::string(name) + " does not fit to a: expected [" + std::to_string(rows) + ", " +
           std::to_string(columns) + "] of a's type, with a's batch axis");
  };
  matrix("b", t.b, n, t.b.dim() == dims ? std::max<std::int64_t>(t.b.size(-1), 1) : 1);
  matrix("c", t.c, t.c.dim() == dims ? std::max<std::int64_t>(t.c.size(-2), 1) : 1, n);
  matrix("d", t.d, t.c.size(-2), t.b.size(-1));
  const auto wide = [&](const Tensor& m) { return m.scalar_type() == at::kDouble; };
  if (!wide(t.delays) || t.delays.dim() != dims - 1 || t.delays.size(-1) != n) fail("delays must be [N] float64");
  if (!wide(t.sos) || t.sos.dim() != dims + 1 || t.sos.size(-3) != n || t.sos.size(-1) != 5)
    fail("line_sos must be [N, S, 5] float64");
  if (dims == 3 && (t.delays.size(0) != t.a.size(0) || t.sos.size(0) != t.a.size(0)))
    fail("delays and line_sos must have a's batch axis");
  if (!wide(t.omega) || t.omega.dim() != 1 || t.omega.size(0) < 1) fail("omega must be [K] float64 with K >= 1");
  if (!(t.radius >= 1) || !std::isfinite(t.radius)) fail("radius must be at least 1");
}

DelayNetwork network_of(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                        const Tensor& sos) {
  DelayNetwork network;
  network.a = a, network.b = b, network.c = c, network.d = d, network.delays = delays, network.line_sos = sos;
  return network;
}

FrequencyTensors tensors_of(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                            const Tensor& sos, const Tensor& omega, double radius) {
  FrequencyTensors t{a.contiguous(),      b.contiguous(),   c.contiguous(),     d.contiguous(),
                     delays.contiguous(), sos.contiguous(), omega.contiguous(), radius};
  check_shapes(t);
  return t;
}

std::tuple<Tensor, Tensor> frequency_forward(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                                             const Tensor& delays, const Tensor& sos, const Tensor& omega,
                                             double radius, bool keep, bool line_gains) {
  const auto t = tensors_of(a, b, c, d, delays, sos, omega, radius);
  for (std::int64_t r = 0; r < t.networks(); ++r) {
    const auto at = [&](const Tensor& tensor) { return t.batched() ? tensor.select(0, r) : tensor; };
    network_of(at(t.a), at(t.b), at(t.c), at(t.d), at(t.delays), at(t.sos)).check();
  }
  FrequencyNeeds needs;
  needs.delays = needs.sos = line_gains;
  const auto result = frequency_forward_on_cpu(t, needs, keep);
  return {result.h, result.states};
}

std::tuple<Tensor, Tensor> frequency_forward_meta(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                                                  const Tensor& delays, const Tensor& sos, const Tensor& omega,
                                                  double radius, bool keep, bool line_gains) {
  const FrequencyTensors t{a, b, c, d, delays, sos, omega, radius};
  FrequencyNeeds needs;
  needs.delays = needs.sos = line_gains;
  std::vector<c10::SymInt> sizes{c.sym_size(-2), b.sym_size(-1), omega.sym_size(0)};
  if (t.batched()) sizes.insert(sizes.begin(), a.sym_size(0));
  return {at::empty_symint(sizes, a.options().dtype(c10::toComplexType(a.scalar_type()))),
          at::empty_symint({frequency_states_numel(t, needs, keep)}, a.options())};
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> frequency_backward(
    const Tensor& grad_h, const Tensor& states, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
    const Tensor& delays, const Tensor& sos, const Tensor& omega, double radius, bool line_gains) {
  const auto t = tensors_of(a, b, c, d, delays, sos, omega, radius);
  FrequencyNeeds needs;
  needs.delays = needs.sos = line_gains;
  auto g = frequency_backward_on_cpu(t, grad_h.resolve_conj().resolve_neg().contiguous(), states, needs);
  if (!line_gains) g[4] = at::zeros_like(t.delays), g[5] = at::zeros_like(t.sos);
  return {g[0], g[1], g[2], g[3], g[4], g[5]};
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> frequency_backward_meta(
    const Tensor&, const Tensor&, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
    const Tensor& delays, const Tensor& sos, const Tensor&, double, bool) {
  return {empty_like_it(a), empty_like_it(b),      empty_like_it(c),
          empty_like_it(d), empty_like_it(delays), empty_like_it(sos)};
}

class FrequencyFunction : public torch::autograd::Function<FrequencyFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                        const Tensor& delays, const Tensor& sos, const Tensor& omega, double radius, bool keep) {
    const bool line_gains = delays.requires_grad() || sos.requires_grad();
    at::AutoDispatchBelowADInplaceOrView below;
    auto [h, states] = op<FrequencyForwardSignature>("diffverb::frequency_response_forward")
                           .call(a, b, c, d, delays, sos, omega, radius, keep, line_gains);
    context->save_for_backward({states, a, b, c, d, delays, sos, omega});
    context->saved_data["radius"] = radius;
    context->saved_data["line_gains"] = line_gains;
    return h;
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto s = context->get_saved_variables();
    auto [a, b, c, d, delays, sos] =
        op<FrequencyBackwardSignature>("diffverb::frequency_response_backward")
            .call(grads[0], s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], context->saved_data["radius"].toDouble(),
                  context->saved_data["line_gains"].toBool());
    return {a, b, c, d, delays, sos, Tensor(), Tensor(), Tensor()};
  }
};

Tensor frequency_autograd(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                          const Tensor& sos, const Tensor& omega, double radius) {
  return FrequencyFunction::apply(a, b, c, d, delays, sos, omega.detach(), radius, at::GradMode::is_enabled());
}

Tensor frequency_plain(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                       const Tensor& sos, const Tensor& omega, double radius) {
  return std::get<0>(op<FrequencyForwardSignature>("diffverb::frequency_response_forward")
                         .call(a, b, c, d, delays, sos, omega, radius, false, false));
}

// ---- time_response

using TimeSignature = Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                             const Tensor&);
using TimeBackwardSignature = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>(const Tensor&, const Tensor&,
                                                                                         const Tensor&, const Tensor&,
                                                                                         const Tensor&, const Tensor&,
                                                                                         const Tensor&, const Tensor&);

TimeTensors time_tensors_of(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                            const Tensor& sos, const Tensor& input) {
  return {a.contiguous(),    b.contiguous(),   c.contiguous(),
          d.contiguous(),    sos.contiguous(), sounding_delays(delays, input.size(-1)).contiguous(),
          input.contiguous()};
}

/// The batch axis alone; the rest is for DelayNetwork::check().
void check_batch(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                 const Tensor& sos, const Tensor& input) {
  const std::pair<const Tensor*, std::int64_t> dims[] = {{&a, 3},      {&b, 3},   {&c, 3},    {&d, 3},
                                                         {&delays, 2}, {&sos, 4}, {&input, 3}};
  for (const auto& [tensor, expected] : dims) {
    if (tensor->dim() == expected && tensor->size(0) == a.size(0) && a.size(0) > 0) continue;
    throw ContractError("time_response: a has a batch axis, so that all must have one as long, at least 1");
  }
}

Tensor time_forward(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                    const Tensor& sos, const Tensor& input) {
  const bool batched = a.dim() == 3;
  if (batched) check_batch(a, b, c, d, delays, sos, input);
  for (std::int64_t r = 0; r < (batched ? a.size(0) : 1); ++r) {
    const auto at = [&](const Tensor& tensor) { return batched ? tensor.select(0, r) : tensor; };
    const DelayNetwork network = network_of(at(a), at(b), at(c), at(d), at(delays), at(sos));
    network.check();
    if (!network.has_whole_delays()) throw ContractError("time_response: delays must be whole samples, at least 1");
    const Tensor x = at(input);
    if (x.dim() != 2 || x.size(0) != network.inputs() || x.size(1) < 1 || x.scalar_type() != a.scalar_type())
      throw ContractError("time_response: input must be [" + std::to_string(network.inputs()) +
                          ", T] of a's type, T >= 1");
  }
  return time_forward_on_cpu(time_tensors_of(a, b, c, d, delays, sos, input)).output;
}

Tensor time_forward_meta(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor&, const Tensor&, const Tensor&,
                         const Tensor& input) {
  std::vector<c10::SymInt> sizes{c.sym_size(-2), input.sym_size(-1)};
  if (a.dim() == 3) sizes.insert(sizes.begin(), a.sym_size(0));
  return at::empty_symint(sizes, a.options());
}

/// Makes the line signals again: how long they are depends on the delays' values, which no Meta tensor has.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> time_backward(const Tensor& grad, const Tensor& a,
                                                                         const Tensor& b, const Tensor& c,
                                                                         const Tensor& d, const Tensor& delays,
                                                                         const Tensor& sos, const Tensor& input) {
  const auto t = time_tensors_of(a, b, c, d, delays, sos, input);
  const auto tape = time_forward_on_cpu(t).tape;
  auto g = time_backward_on_cpu(t, grad.contiguous(), tape, {true, true, true, true, true, true});
  return {g[0], g[1], g[2], g[3], g[4], g[5]};
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> time_backward_meta(const Tensor&, const Tensor& a,
                                                                              const Tensor& b, const Tensor& c,
                                                                              const Tensor& d, const Tensor&,
                                                                              const Tensor& sos, const Tensor& input) {
  return {empty_like_it(a), empty_like_it(b),   empty_like_it(c),
          empty_like_it(d), empty_like_it(sos), empty_like_it(input)};
}

class TimeFunction : public torch::autograd::Function<TimeFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                        const Tensor& delays, const Tensor& sos, const Tensor& input) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({a, b, c, d, delays, sos, input});
    return op<TimeSignature>("diffverb::time_response").call(a, b, c, d, delays, sos, input);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto s = context->get_saved_variables();
    auto [a, b, c, d, sos, input] = op<TimeBackwardSignature>("diffverb::time_response_backward")
                                        .call(grads[0], s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
    return {a, b, c, d, Tensor(), sos, input};
  }
};

Tensor time_autograd(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& delays,
                     const Tensor& sos, const Tensor& input) {
  return TimeFunction::apply(a, b, c, d, delays.detach(), sos, input);
}

// ---- losses

using LossSignature = Tensor(const Tensor&, const Tensor&, double, c10::string_view, c10::string_view);
using LossForwardSignature = std::tuple<Tensor, Tensor>(const Tensor&, const Tensor&, double, c10::string_view,
                                                        c10::string_view);

/// The value and the gradient to the estimate, made together: a loss is a graph of many operators that nobody else
/// needs to see.
std::tuple<Tensor, Tensor> loss_forward(const Tensor& estimate, const Tensor& target, double rate_hz,
                                        c10::string_view type, c10::string_view options) {
  Fields fields = Fields::from_text("type: " + std::string(type) + "\n" + std::string(options) + "\n", "options");
  std::string name;
  fields.required("type", name);
  const auto loss = family<Loss>().make(fields);
  fields.finish();
  if (estimate.sizes() != target.sizes()) throw ContractError("loss: estimate and target differ in shape");
  const c10::impl::ForceDispatchKeyGuard as_if_outside(c10::default_included_set, c10::default_excluded_set);
  const at::AutoGradMode with_gradient(true);
  const auto leaf = estimate.detach().clone().set_requires_grad(true);
  loss->prepare(Response(target.detach(), rate_hz));
  const auto value = loss->evaluate(Response(leaf, rate_hz));
  const auto gradient = torch::autograd::grad({value}, {leaf});
  return {value.detach(), gradient[0]};
}

std::tuple<Tensor, Tensor> loss_forward_meta(const Tensor& estimate, const Tensor&, double, c10::string_view,
                                             c10::string_view) {
  return {at::empty({}, estimate.options()), empty_like_it(estimate)};
}

class LossFunction : public torch::autograd::Function<LossFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& estimate, const Tensor& target, double rate_hz,
                        const std::string& type, const std::string& options) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [value, gradient] =
        op<LossForwardSignature>("diffverb::loss_forward").call(estimate, target, rate_hz, type, options);
    context->save_for_backward({gradient});
    return value;
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    return {grads[0] * context->get_saved_variables()[0], Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor loss_autograd(const Tensor& estimate, const Tensor& target, double rate_hz, c10::string_view type,
                     c10::string_view options) {
  return LossFunction::apply(estimate, target.detach(), rate_hz, std::string(type), std::string(options));
}

Tensor loss_plain(const Tensor& estimate, const Tensor& target, double rate_hz, c10::string_view type,
                  c10::string_view options) {
  return std::get<0>(op<LossForwardSignature>("diffverb::loss_forward").call(estimate, target, rate_hz, type, options));
}

// ---- feedback matrices: plain compositions, whose gradient and Meta kernels are those of what they are made of

void require_square(const char* name, const Tensor& s) {
  if (s.dim() < 2 || s.size(-1) != s.size(-2) || s.size(-1) < 1 || !s.is_floating_point())
    throw ContractError(std::string(name) + ": s must be [..., N, N], real, N >= 1");
}

Tensor orthogonal_exp(const Tensor& s) {
  require_square("orthogonal_exp", s);
  return at::linalg_matrix_exp(s - s.mT());
}

Tensor cayley(const Tensor& s) {
  require_square("cayley", s);
  const auto k = s - s.mT(), identity = at::eye(s.size(-1), s.options().requires_grad(false));
  return at::linalg_solve(identity + k, identity - k);
}

Tensor householder(const Tensor& v) {
  if (v.dim() < 1 || v.size(-1) < 1 || !v.is_floating_point())
    throw ContractError("householder: v must be [..., N], real, N >= 1");
  const auto power = v.square().sum(-1, true).unsqueeze(-1);
  return at::eye(v.size(-1), v.options().requires_grad(false)) - 2 * v.unsqueeze(-1) * v.unsqueeze(-2) / power;
}

constexpr const char* kFrequency =
    "Tensor a, Tensor b, Tensor c, Tensor d, Tensor delays, Tensor line_sos, Tensor omega, ";
constexpr const char* kTime = "Tensor a, Tensor b, Tensor c, Tensor d, Tensor delays, Tensor line_sos, Tensor input";
constexpr const char* kLoss = "Tensor estimate, Tensor target, float sample_rate_hz, str type, str options=\"\"";
constexpr const char* kSix = " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)";

TORCH_LIBRARY(diffverb, m) {
  const std::string frequency = kFrequency, time = kTime, loss = kLoss, six = kSix;
  const auto def = [&](const std::string& schema) { m.def(torch::schema(schema.c_str())); };
  def("frequency_response(" + frequency + "float radius=1.) -> Tensor");
  def("frequency_response_forward(" + frequency + "float radius, bool keep, bool line_gains) -> (Tensor, Tensor)");
  def("frequency_response_backward(Tensor grad_h, Tensor states, " + frequency + "float radius, bool line_gains)" +
      six);
  def("time_response(" + time + ") -> Tensor");
  def("time_response_backward(Tensor grad_output, " + time + ")" + six);
  def("loss(" + loss + ") -> Tensor");
  def("loss_forward(" + loss + ") -> (Tensor, Tensor)");
  m.def("orthogonal_exp(Tensor s) -> Tensor", &orthogonal_exp);
  m.def("cayley(Tensor s) -> Tensor", &cayley);
  m.def("householder(Tensor v) -> Tensor", &householder);
}

TORCH_LIBRARY_IMPL(diffverb, CPU, m) {
  m.impl("frequency_response", &frequency_plain);
  m.impl("frequency_response_forward", &frequency_forward);
  m.impl("frequency_response_backward", &frequency_backward);
  m.impl("time_response", &time_forward);
  m.impl("time_response_backward", &time_backward);
  m.impl("loss", &loss_plain);
  m.impl("loss_forward", &loss_forward);
}

TORCH_LIBRARY_IMPL(diffverb, Meta, m) {
  m.impl("frequency_response", &frequency_plain);
  m.impl("frequency_response_forward", &frequency_forward_meta);
  m.impl("frequency_response_backward", &frequency_backward_meta);
  m.impl("time_response", &time_forward_meta);
  m.impl("time_response_backward", &time_backward_meta);
  m.impl("loss", &loss_plain);
  m.impl("loss_forward", &loss_forward_meta);
}

TORCH_LIBRARY_IMPL(diffverb, Autograd, m) {
  m.impl("frequency_response", &frequency_autograd);
  m.impl("time_response", &time_autograd);
  m.impl("loss", &loss_autograd);
}

}  // namespace
}  // namespace diffverb
