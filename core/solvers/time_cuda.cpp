#include "core/solvers/time_cuda.h"

#include <ATen/ops/empty.h>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/time_sums.h"

namespace diffverb {
namespace {

/// The networks of one call: one so far.
constexpr std::int64_t kNetworks = 1;

template <typename S>
TimeBlocks<S> problem_of(const TimeTensors& t) {
  TimeBlocks<S> p;
  p.networks = kNetworks;
  point_to<S>(p, t);
  p.samples = static_cast<int>(t.input.size(1));
  p.delays = t.delays.const_data_ptr<double>();
  p.input = t.input.const_data_ptr<S>();
  return p;
}

/// What passes through the lines, one tensor: the lines' signals, with filters also what goes into them, and their states.
template <typename S>
std::int64_t signals_size(const TimeBlocks<S>& p) {
  const std::int64_t lines = static_cast<std::int64_t>(p.networks) * p.lines;
  return lines * (p.samples * (p.sections > 0 ? 2 : 1) + static_cast<std::int64_t>(p.chunks()) * p.sections * 2);
}

template <typename S>
void place_signals(const TimeBlocks<S>& p, S* memory, S*& signal, S*& before_filters, S*& states) {
  const std::int64_t size = static_cast<std::int64_t>(p.networks) * p.lines * p.samples;
  signal = memory;
  before_filters = p.sections > 0 ? memory + size : nullptr;
  states = p.sections > 0 ? memory + 2 * size : nullptr;
}

template <typename S>
at::Tensor tables_of(TimeBlocks<S>& p, const at::TensorOptions& options) {
  at::Tensor tables = at::empty({static_cast<std::int64_t>(p.networks) * p.sections * 12 * p.lines}, options);
  p.tables = tables.template mutable_data_ptr<S>();
  return tables;
}

template <typename S>
TimeForward forward(const TimeTensors& t) {
  auto p = problem_of<S>(t);
  const auto options = t.a.options().requires_grad(false);
  TimeForward result{at::empty({p.outputs, p.samples}, options), at::empty({signals_size(p)}, options)};
  const at::Tensor tables = tables_of(p, options);
  p.output = result.output.mutable_data_ptr<S>();
  place_signals(p, result.tape.mutable_data_ptr<S>(), p.filtered, p.driven, p.states);
  cuda_module()->play_lines(p);
  return result;
}

template <typename S>
std::array<at::Tensor, 6> backward(const TimeTensors& t, const at::Tensor& grad, const at::Tensor& tape,
                                   const std::array<bool, 6>& wanted) {
  auto p = problem_of<S>(t);
  const auto options = t.a.options().requires_grad(false);
  const auto wide = options.dtype(at::kDouble);
  std::array<at::Tensor, 6> result;
  const at::Tensor tables = tables_of(p, options), adjoint = at::empty({signals_size(p)}, options);
  place_signals(p, const_cast<S*>(tape.const_data_ptr<S>()), p.filtered, p.driven, p.states);  // read alone
  place_signals(p, adjoint.mutable_data_ptr<S>(), p.mixed, p.driven_adjoint, p.costates);
  p.grad_output = grad.const_data_ptr<S>();
  if (wanted[5]) {
    result[5] = at::empty({p.inputs, p.samples}, options);
    p.grad_input = result[5].mutable_data_ptr<S>();
  }
  const TimeEntries<S> entries(p);
  const std::int64_t parts = (p.samples + kTimeSumSamples - 1) / kTimeSumSamples;
  const at::Tensor partial = at::empty({kNetworks, parts, entries.count()}, wide);
  const at::Tensor sums = at::empty({entries.rows, entries.columns}, wide);
  at::Tensor sos = at::empty(t.sos.sizes(), wide);
  cuda_module()->sum_lines(p, partial.mutable_data_ptr<double>(), sums.mutable_data_ptr<double>(),
                           sos.mutable_data_ptr<double>());
  const at::Tensor* const like[4] = {&t.a, &t.b, &t.c, &t.d};
  for (std::size_t i = 0; i < 4; ++i) {  // [A B; C D]
    const std::int64_t row = i / 2 * p.lines, column = i % 2 * p.lines;
    if (wanted[i])
      result[i] = sums.slice(0, row, row + like[i]->size(0))
                      .slice(1, column, column + like[i]->size(1))
                      .to(like[i]->scalar_type());
  }
  if (wanted[4]) result[4] = sos;
  return result;
}

}  // namespace

TimeForward time_forward_on_cuda(const TimeTensors& t) {
  return t.a.scalar_type() == at::kFloat ? forward<float>(t) : forward<double>(t);
}

std::array<at::Tensor, 6> time_backward_on_cuda(const TimeTensors& t, const at::Tensor& grad_output,
                                                const at::Tensor& tape, const std::array<bool, 6>& wanted) {
  return t.a.scalar_type() == at::kFloat ? backward<float>(t, grad_output, tape, wanted)
                                         : backward<double>(t, grad_output, tape, wanted);
}

}  // namespace diffverb
