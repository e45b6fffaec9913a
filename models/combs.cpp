#include "models/combs.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "core/filters/one_pole.h"

namespace diffverb {

SignalFlow::Signal damped_combs(SignalFlow& flow, const SignalFlow::Signal& in, const at::Tensor& samples,
                                const at::Tensor& gains, const at::Tensor& pole) {
  const auto damping = one_pole_sos(pole);
  SignalFlow::Signal sum;
  for (std::int64_t i = 0; i < samples.size(0); ++i) {
    const auto loop = flow.loop();
    const auto line = flow.delay(in + loop, samples[i], damping);
    flow.close(loop, gains[i] * line);
    sum = sum + line;
  }
  return sum;
}

at::Tensor undamped_sos(const at::Tensor& pole) {
  const auto p = pole.reshape({}).to(at::kDouble), zero = at::zeros_like(p);
  return at::stack({1 / (1 - p), -p / (1 - p), zero, zero, zero}).unsqueeze(0);
}

}  // namespace diffverb
