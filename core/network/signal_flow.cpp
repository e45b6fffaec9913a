#include "core/network/signal_flow.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>

#include "core/error.h"

namespace diffverb {

using Signal = SignalFlow::Signal;

at::Tensor SignalFlow::Gain::tensor() const {
  if (!tensor_.defined()) return at::scalar_tensor(value_, at::kDouble);
  if (tensor_.numel() != 1)
    throw ContractError("signal flow: a gain or delay has " + std::to_string(tensor_.numel()) +
                        " elements, expected one number");
  return tensor_.reshape({}).to(at::kDouble);
}

Signal operator+(const Signal& a, const Signal& b) {
  Signal sum = a;
  for (const auto& [source, gain] : b.terms_) {
    const auto there = sum.terms_.find(source);
    if (there == sum.terms_.end()) {
      sum.terms_[source] = gain;
    } else {
      there->second = there->second + gain;
    }
  }
  return sum;
}

Signal operator*(const SignalFlow::Gain& gain, const Signal& signal) {
  const auto factor = gain.tensor();
  Signal scaled;
  for (const auto& [source, own] : signal.terms_) scaled.terms_[source] = factor * own;
  return scaled;
}

SignalFlow::SignalFlow(std::int64_t inputs, double sample_rate_hz) : inputs_(inputs), rate_hz_(sample_rate_hz) {
  if (inputs < 1 || !(sample_rate_hz > 0))
    throw ContractError("signal flow: at least one input and a sample rate above 0 expected");
}

Signal SignalFlow::source(std::int64_t number) {
  Signal signal;
  signal.terms_[number] = at::scalar_tensor(1.0, at::kDouble);
  return signal;
}

Signal SignalFlow::input(std::int64_t index) const {
  if (index < 0 || index >= inputs_)
    throw ContractError("signal flow: there is no input " + std::to_string(index) + ", of " + std::to_string(inputs_));
  return source(index);
}

Signal SignalFlow::delay(const Signal& in, const Gain& samples, const at::Tensor& sos) {
  if (sos.defined() && (sos.dim() != 2 || sos.size(1) != 5))
    throw ContractError("signal flow: the filter of line " + std::to_string(lines()) +
                        " has an unexpected shape, expected [S, 5]");
  lines_.push_back({in, samples.tensor(), sos.defined() ? sos.to(at::kDouble) : at::zeros({0, 5}, at::kDouble)});
  return source(kLines + lines() - 1);
}

Signal SignalFlow::tap(const Signal& line, const Gain& samples) {
  const Line& through = lines_[static_cast<std::size_t>(line_of(line))];
  const Signal in = through.in;
  return delay(in, samples);
}

Signal SignalFlow::loop() {
  loops_.emplace_back();
  closed_.push_back(false);
  return source(kLoops + static_cast<std::int64_t>(loops_.size()) - 1);
}

void SignalFlow::close(const Signal& loop, const Signal& value) {
  const std::int64_t number = loop.terms_.size() == 1 ? loop.terms_.begin()->first - kLoops : -1;
  if (number < 0) throw ContractError("signal flow: what is closed is not a loop");
  if (closed_[static_cast<std::size_t>(number)]) throw ContractError("signal flow: a loop is closed twice");
  loops_[static_cast<std::size_t>(number)] = value;
  closed_[static_cast<std::size_t>(number)] = true;
}

Signal SignalFlow::allpass(const Signal& in, const Gain& g, const std::function<Signal(const Signal&)>& inside) {
  const Signal v = loop();
  const Signal w = inside(v);
  close(v, in + g * w);
  return w - g * v;
}

Signal SignalFlow::allpass(const Signal& in, const Gain& g, const Gain& samples) {
  return allpass(in, g, [&](const Signal& v) { return delay(v, samples); });
}

std::int64_t SignalFlow::line_of(const Signal& line) const {
  const std::int64_t number = line.terms_.size() == 1 ? line.terms_.begin()->first - kLines : -1;
  if (number < 0 || number >= lines()) throw ContractError("signal flow: the signal is not the output of one line");
  return number;
}

/// The gains of sources [first, first + count) in each signal: [signals, count].
at::Tensor SignalFlow::rows_of(const std::vector<Signal>& signals, std::int64_t first, std::int64_t count) const {
  std::vector<at::Tensor> values;
  std::vector<std::int64_t> places;
  for (std::size_t r = 0; r < signals.size(); ++r) {
    for (const auto& [source, gain] : signals[r].terms_) {
      if (source < first || source >= first + count) continue;
      values.push_back(gain);
      places.push_back(static_cast<std::int64_t>(r) * count + source - first);
    }
  }
  const auto rows = static_cast<std::int64_t>(signals.size());
  auto matrix = at::zeros({rows * count}, at::kDouble);
  if (!values.empty()) matrix = matrix.index_put({at::tensor(places)}, at::stack(values));
  return matrix.reshape({rows, count});
}

DelayNetwork SignalFlow::network(const std::vector<Signal>& outputs, at::ScalarType dtype) const {
  if (std::count(closed_.begin(), closed_.end(), false) > 0) throw ContractError("signal flow: a loop was left open");
  const auto loops = static_cast<std::int64_t>(loops_.size());
  std::vector<Signal> ins;
  std::vector<at::Tensor> delays;
  std::int64_t sections = 0;
  for (const Line& line : lines_) {
    ins.push_back(line.in);
    delays.push_back(line.samples);
    sections = std::max(sections, line.sos.size(0));
  }
  auto a = rows_of(ins, kLines, lines()), b = rows_of(ins, 0, inputs_);
  auto c = rows_of(outputs, kLines, lines()), d = rows_of(outputs, 0, inputs_);
  if (loops > 0) {
    // p = S s + U u + R p  =>  p = (I - R)^-1 (S s + U u)
    const auto among = at::eye(loops, at::kDouble) - rows_of(loops_, kLoops, loops);
    if (!(at::linalg_svdvals(among.detach()).min().item<double>() > 1e-6))
      throw ContractError("signal flow: a loop without delay feeds itself in full");
    const auto of_loops =
        at::linalg_solve(among, at::cat({rows_of(loops_, kLines, lines()), rows_of(loops_, 0, inputs_)}, 1));
    const auto of_lines = of_loops.narrow(1, 0, lines()), of_inputs = of_loops.narrow(1, lines(), inputs_);
    const auto into_lines = rows_of(ins, kLoops, loops), into_outputs = rows_of(outputs, kLoops, loops);
    a = a + into_lines.mm(of_lines);
    b = b + into_lines.mm(of_inputs);
    c = c + into_outputs.mm(of_lines);
    d = d + into_outputs.mm(of_inputs);
  }
  std::vector<at::Tensor> filters;
  for (const Line& line : lines_) {
    const std::int64_t missing = sections - line.sos.size(0);
    filters.push_back(missing == 0
                          ? line.sos
                          : at::cat({line.sos, at::tensor({1., 0., 0., 0., 0.}, at::kDouble).expand({missing, 5})}));
  }
  DelayNetwork network;
  network.a = a.to(dtype);
  network.b = b.to(dtype);
  network.c = c.to(dtype);
  network.d = d.to(dtype);
  network.delays = delays.empty() ? at::zeros({0}, at::kDouble) : at::stack(delays);
  network.line_sos = filters.empty() ? at::zeros({0, 0, 5}, at::kDouble) : at::stack(filters);
  network.sample_rate_hz = rate_hz_;
  return network;
}

}  // namespace diffverb
