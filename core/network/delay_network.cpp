#include "core/network/delay_network.h"

#include <ATen/ops/block_diag.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <sstream>
#include <string>

#include "core/device/precision.h"
#include "core/error.h"
#include "core/network/filter_lines.h"
#include "core/network/loop_gain.h"
#include "core/network/loop_growth.h"

namespace diffverb {
namespace {

std::string shape_of(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

void require_matrix(const char* name, const at::Tensor& tensor, std::int64_t rows, std::int64_t columns) {
  if (tensor.dim() == 2 && tensor.size(0) == rows && tensor.size(1) == columns) return;
  throw ContractError(std::string("delay network: ") + name + " has shape " + shape_of(tensor) + ", expected [" +
                      std::to_string(rows) + ", " + std::to_string(columns) + "]");
}

void require_delays(const DelayNetwork& network) {
  const auto& delays = network.delays;
  const std::int64_t lines = network.lines();
  if (delays.dim() != 1 || delays.size(0) != lines || delays.scalar_type() != at::kDouble) {
    throw ContractError("delay network: delays have shape " + shape_of(delays) + " and type " +
                        toString(delays.scalar_type()) + ", expected [" + std::to_string(lines) + "] float64");
  }
  if (!network.may_be_looked_at()) return;
  const auto values = delays.detach().cpu().contiguous();
  for (std::int64_t j = 0; j < lines; ++j) {
    const double delay = values.const_data_ptr<double>()[j];
    if (!(delay >= 0) || !std::isfinite(delay)) {
      throw ContractError("delay network: the delay of line " + std::to_string(j) + " is " + std::to_string(delay) +
                          " samples, expected 0 (a filter) or more");
    }
  }
}

void require_sections(const DelayNetwork& network) {
  const auto& sos = network.line_sos;
  const std::int64_t lines = network.lines();
  if (sos.dim() != 3 || sos.size(0) != lines || sos.size(2) != 5 || sos.scalar_type() != at::kDouble) {
    throw ContractError("delay network: line_sos has shape " + shape_of(sos) + " and type " +
                        toString(sos.scalar_type()) + ", expected [" + std::to_string(lines) + ", S, 5] float64");
  }
  if (!network.may_be_looked_at()) return;
  const auto values = sos.detach().cpu().contiguous();
  const double* q = values.const_data_ptr<double>();
  for (std::int64_t s = 0; s < lines * sos.size(1); ++s, q += 5) {
    const bool finite = std::isfinite(q[0]) && std::isfinite(q[1]) && std::isfinite(q[2]);
    if (finite && std::abs(q[4]) < 1 && std::abs(q[3]) < 1 + q[4]) continue;
    throw ContractError("delay network: section " + std::to_string(s % sos.size(1)) + " of line " +
                        std::to_string(s / sos.size(1)) + " is not a stable filter (a1 = " + std::to_string(q[3]) +
                        ", a2 = " + std::to_string(q[4]) + "), expected |a2| < 1 and |a1| < 1 + a2");
  }
}

void require_finite(const char* name, const at::Tensor& matrix) {
  if (!matrix.isfinite().all().item<bool>())
    throw ContractError(std::string("delay network: ") + name + " holds a number that is not finite");
}

void require_loop(const DelayNetwork& network) {
  const auto here = [](const at::Tensor& t) { return t.detach().to(at::kCPU, at::kDouble).contiguous(); };
  const auto a = here(network.a), delays = here(network.delays), sos = here(network.line_sos);
  require_finite("A", a);
  const auto filters = without_delay(delays.const_data_ptr<double>(), static_cast<int>(network.lines()));
  const auto loop = filter_lines_of(a.const_data_ptr<double>(), 1, filters).loop;
  if (!loop.empty()) {
    throw ContractError("delay network: a loop without delay: " + std::to_string(loop.size()) + " line(s) with line " +
                        std::to_string(loop[0]) + " hear each other and all have delay 0");
  }
  const auto look = [&](const auto& grows) {
    return grows(a.const_data_ptr<double>(), delays.const_data_ptr<double>(), sos.const_data_ptr<double>(),
                 static_cast<int>(network.lines()), static_cast<int>(network.sections()));
  };
  std::string problem = look(growing_loop);
  // Playing the loop takes as long as a step of a training, in which it would be done each time.
  if (problem.empty() && !network.a.requires_grad()) problem = look(loop_heard_growing);
  if (!problem.empty()) throw ContractError("delay network: " + problem);
}

void require_same_kind(const char* what, const DelayNetwork& one, const DelayNetwork& two) {
  if (one.a.scalar_type() != two.a.scalar_type() || one.a.device() != two.a.device()) {
    throw ContractError(std::string(what) + ": the networks differ in type or device");
  }
  if (one.sample_rate_hz != two.sample_rate_hz) {
    throw ContractError(std::string(what) + ": the networks run at " + std::to_string(one.sample_rate_hz) + " and " +
                        std::to_string(two.sample_rate_hz) + " Hz, expected the same rate");
  }
}

/// [N, S, 5] filled up to `sections` sections that do nothing.
at::Tensor with_sections(const at::Tensor& sos, std::int64_t sections) {
  const std::int64_t missing = sections - sos.size(1);
  if (missing == 0) return sos;
  const auto identity = at::tensor({1., 0., 0., 0., 0.}, sos.options().requires_grad(false));
  return at::cat({sos, identity.expand({sos.size(0), missing, 5})}, 1);
}

/// Both networks' lines in one, not connected; b, c, d are left to the caller.
DelayNetwork side_by_side(const DelayNetwork& first, const DelayNetwork& second) {
  DelayNetwork joined;
  joined.delays = at::cat({first.delays, second.delays});
  const std::int64_t sections = std::max(first.sections(), second.sections());
  joined.line_sos = at::cat({with_sections(first.line_sos, sections), with_sections(second.line_sos, sections)});
  joined.sample_rate_hz = first.sample_rate_hz;
  return joined;
}

at::Tensor one_by_one(const char* what, const at::Tensor& value) {
  if (value.numel() != 1)
    throw ContractError(std::string(what) + " has shape " + shape_of(value) + ", expected one number");
  return value.reshape({1, 1});
}

}  // namespace

void DelayNetwork::check() const {
  for (const at::Tensor* tensor : {&a, &b, &c, &d, &delays, &line_sos}) {
    if (!tensor->defined()) throw ContractError("delay network: A, B, C, D, delays and line_sos must all be given");
  }
  if (a.scalar_type() != at::kFloat && a.scalar_type() != at::kDouble) {
    throw ContractError(std::string("delay network: A has type ") + toString(a.scalar_type()) +
                        ", expected float32 or float64");
  }
  for (const at::Tensor* tensor : {&b, &c, &d}) {
    if (tensor->scalar_type() != a.scalar_type() || tensor->dim() != 2) {
      throw ContractError("delay network: A, B, C and D must be matrices of one type");
    }
  }
  for (const at::Tensor* tensor : {&b, &c, &d, &delays, &line_sos}) {
    if (tensor->device() != a.device())
      throw ContractError("delay network: A, B, C, D, delays and line_sos must be on one device");
  }
  const std::int64_t n = a.dim() == 2 ? a.size(0) : 0;
  if (n < 1) throw ContractError("delay network: A has shape " + shape_of(a) + ", expected [N, N] with N >= 1");
  require_matrix("A", a, n, n);
  require_matrix("B", b, n, inputs());
  require_matrix("C", c, outputs(), n);
  require_matrix("D", d, outputs(), inputs());
  if (inputs() < 1 || outputs() < 1) throw ContractError("delay network: at least one input and one output expected");
  require_delays(*this);
  require_sections(*this);
  if (!may_be_looked_at()) return;
  require_finite("B", b);
  require_finite("C", c);
  require_finite("D", d);
  require_loop(*this);
}

bool DelayNetwork::may_be_looked_at() const { return !is_sound && may_read_from_device(); }

bool DelayNetwork::has_whole_delays() const {
  const auto values = delays.detach();
  return values.eq(values.round()).logical_and(values.ge(0)).all().item<bool>();
}

DelayNetwork DelayNetwork::to(at::ScalarType dtype) const {
  DelayNetwork other = *this;
  for (at::Tensor* matrix : {&other.a, &other.b, &other.c, &other.d}) *matrix = matrix->to(dtype);
  return other;
}

DelayNetwork DelayNetwork::from_one_input() const {
  DelayNetwork other = *this;
  other.b = b.sum(1, true);
  other.d = d.sum(1, true);
  return other;
}

DelayNetwork series(const DelayNetwork& first, const DelayNetwork& second) {
  require_same_kind("series", first, second);
  if (first.outputs() != second.inputs()) {
    throw ContractError("series: " + std::to_string(first.outputs()) + " outputs into " +
                        std::to_string(second.inputs()) + " inputs");
  }
  DelayNetwork joined = side_by_side(first, second);
  const auto above = at::zeros({first.lines(), second.lines()}, first.a.options().requires_grad(false));
  joined.a = at::cat({at::cat({first.a, above}, 1), at::cat({second.b.mm(first.c), second.a}, 1)});
  joined.b = at::cat({first.b, second.b.mm(first.d)});
  joined.c = at::cat({second.d.mm(first.c), second.c}, 1);
  joined.d = second.d.mm(first.d);
  return joined;
}

DelayNetwork parallel(const DelayNetwork& first, const DelayNetwork& second) {
  require_same_kind("parallel", first, second);
  if (first.outputs() != second.outputs() || first.inputs() != second.inputs()) {
    throw ContractError("parallel: the networks differ in the number of inputs or outputs");
  }
  DelayNetwork joined = side_by_side(first, second);
  joined.a = at::block_diag({first.a, second.a});
  joined.b = at::cat({first.b, second.b});
  joined.c = at::cat({first.c, second.c}, 1);
  joined.d = first.d + second.d;
  return joined;
}

DelayNetwork feedback(const DelayNetwork& inner, const at::Tensor& gains) {
  require_matrix("gains", gains, inner.inputs(), inner.outputs());
  // u = x + g (C s + D u)  =>  u = M (x + g C s),  M = (I - g D)^-1
  const auto loop = at::eye(inner.inputs(), inner.d.options().requires_grad(false)) - gains.mm(inner.d);
  const double smallest = at::linalg_svdvals(loop.detach().to(at::kDouble)).min().item<double>();
  if (!(smallest > 1e-6)) {
    throw ContractError("feedback: I - gains D is singular (a loop without delay that feeds itself in full)");
  }
  const auto m = at::linalg_inv(loop);
  const auto return_path = m.mm(gains.mm(inner.c));  // from the lines to u
  DelayNetwork closed = inner;
  closed.is_sound = false;
  closed.a = inner.a + inner.b.mm(return_path);
  closed.b = inner.b.mm(m);
  closed.c = inner.c + inner.d.mm(return_path);
  closed.d = inner.d.mm(m);
  return closed;
}

DelayNetwork allpass(const at::Tensor& gain, const DelayNetwork& inner, const at::Tensor& delay_samples) {
  if (inner.inputs() != 1 || inner.outputs() != 1) {
    throw ContractError("allpass: the inner part has " + std::to_string(inner.inputs()) + " inputs and " +
                        std::to_string(inner.outputs()) + " outputs, expected one of each");
  }
  const auto g = one_by_one("allpass: the gain", gain).to(inner.a.scalar_type());
  DelayNetwork line = delay_line(delay_samples, inner.sample_rate_hz, inner.a.scalar_type());
  DelayNetwork closed = feedback(series(line, inner), g);
  const auto through = 1 - g * g;
  closed.c = through * closed.c;
  closed.d = through * closed.d - g;
  return closed;
}

DelayNetwork allpass(const at::Tensor& gain, const at::Tensor& delay_samples, double sample_rate_hz) {
  const auto g = one_by_one("allpass: the gain", gain);
  DelayNetwork line = delay_line(delay_samples, sample_rate_hz, g.scalar_type());
  DelayNetwork closed = feedback(line, g);
  closed.c = (1 - g * g) * closed.c;
  closed.d = closed.d - g;
  return closed;
}

DelayNetwork delay_line(const at::Tensor& delay_samples, double sample_rate_hz, at::ScalarType dtype) {
  const auto delay = one_by_one("delay_line: the delay", delay_samples).reshape({1}).to(at::kDouble);
  const auto options = at::TensorOptions().dtype(dtype).device(delay.device());
  DelayNetwork line;
  line.a = at::zeros({1, 1}, options);
  line.b = at::ones({1, 1}, options);
  line.c = at::ones({1, 1}, options);
  line.d = at::zeros({1, 1}, options);
  line.delays = delay;
  line.line_sos = at::zeros({1, 0, 5}, options.dtype(at::kDouble));
  line.sample_rate_hz = sample_rate_hz;
  return line;
}

DelayNetwork with_whole_delays(const DelayNetwork& network) {
  const auto values = network.delays.detach();
  const auto is_whole = values.eq(values.round());
  if (network.may_be_looked_at()) {  // else whole delays get their interpolators too
    if (network.has_whole_delays()) return network;
    if (is_whole.logical_not().logical_and(values.lt(1.5)).any().item<bool>()) {
      throw ContractError(
          "with_whole_delays: a fractional delay is below 1.5 samples, which the interpolator cannot make");
    }
  }
  // A line whose delay is whole among others takes d = 1, eta = 0: the section is then z^-1 and its delay still has a
  // gradient. A delay of one sample has no room for that, and a filter none at all: they keep a section that does nothing.
  const auto is_one = values.le(1);
  const auto whole = at::where(is_one, values, (values - 0.5).floor());
  const auto d = network.delays - whole;
  const auto eta = at::where(is_one, at::zeros_like(values), (1 - d) / (1 + d));
  const auto one = at::ones_like(values), zero = at::zeros_like(values);
  const auto b0 = at::where(is_one, one, eta), b1 = at::where(is_one, zero, one);
  const auto section = at::stack({b0, b1, zero, eta, zero}, 1);  // [N, 5]
  DelayNetwork playable = network;
  playable.delays = whole;
  playable.line_sos = at::cat({network.line_sos, section.unsqueeze(1)}, 1);
  return playable;
}

}  // namespace diffverb
