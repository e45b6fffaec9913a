#include "models/line_bank.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/pow.h>

#include "core/filters/one_pole.h"

namespace diffverb {

std::vector<SignalFlow::Signal> add_lines(SignalFlow& flow, const LineBank& bank,
                                          const std::vector<SignalFlow::Signal>& in) {
  const double rate = flow.sample_rate_hz();
  std::vector<SignalFlow::Signal> loops, lines;
  for (std::size_t j = 0; j < in.size(); ++j) {
    const auto samples = bank.delays[static_cast<std::int64_t>(j)];
    const auto gain = at::pow(10.0, -3 * samples / (rate * bank.decay_s));
    torch::Tensor damping;
    if (bank.bright_s.defined()) {
      const auto ratio = at::pow(10.0, -3 * samples / rate * (1 / bank.bright_s - 1 / bank.decay_s));
      damping = one_pole_sos(one_pole_for_ratio(ratio, bank.bright_hz, rate));
    }
    loops.push_back(flow.loop());
    lines.push_back(gain * flow.delay(in[j] + loops[j], samples, damping));
  }
  for (std::size_t i = 0; i < in.size(); ++i) {
    SignalFlow::Signal sum;
    for (std::size_t j = 0; j < in.size(); ++j) {
      sum = sum + bank.matrix[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)] * lines[j];
    }
    flow.close(loops[i], sum);
  }
  return lines;
}

torch::Tensor mixing_matrix(std::int64_t lines) {
  auto matrix = at::ones({1, 1}, torch::kFloat64);
  while (matrix.size(0) < lines)
    matrix = at::cat({at::cat({matrix, matrix}, 1), at::cat({matrix, -matrix}, 1)}) * 0.5 * 1.4142135623730951;
  return matrix;
}

}  // namespace diffverb
