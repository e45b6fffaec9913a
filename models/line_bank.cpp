#include "models/line_bank.h"

#include <ATen/ops/pow.h>

#include "core/filters/one_pole.h"

namespace diffverb {

std::vector<SignalFlow::Signal> add_lines(SignalFlow& flow, const LineBank& bank,
                                          const std::vector<SignalFlow::Signal>& in) {
  const double rate = flow.sample_rate_hz();
  std::vector<SignalFlow::Signal> loops, lines;
  for (std::size_t j = 0; j < in.size(); ++j) {
    const auto line = static_cast<std::int64_t>(j);
    const auto samples = bank.delays[line];
    const auto gain = at::pow(10.0, -3 * samples / (rate * bank.decay_s));
    at::Tensor damping;
    if (bank.bright_s.defined()) {
      const auto ratio = at::pow(10.0, -3 * samples / rate * (1 / bank.bright_s - 1 / bank.decay_s));
      damping = one_pole_sos(one_pole_for_ratio(ratio, bank.bright_hz, rate));
    }
    loops.push_back(flow.loop());
    auto v = in[j] + loops[j];
    auto left = samples;
    if (bank.allpass_samples.defined()) {
      const auto length = bank.allpass_samples[line].round();
      v = flow.allpass(v, bank.allpass_gains[line], length);
      left = samples.round() - length;
    }
    lines.push_back(gain * flow.delay(v, left, damping));
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

}  // namespace diffverb
