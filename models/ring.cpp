#include "models/ring.h"

namespace diffverb {
namespace {

/// What a line that is learned never gets shorter than: the interpolator needs 1.5 samples.
constexpr double kShortest_samples = 2;

at::Tensor playable(const at::Tensor& samples) {
  return samples.requires_grad() ? samples.clamp_min(kShortest_samples) : samples.round().clamp_min(1);
}

}  // namespace

Nesting read_nesting(Fields& fields) {
  std::string word = "contains";
  fields.choice("nesting", word, {"contains", "series"});
  return word == "series" ? Nesting::kSeries : Nesting::kContains;
}

SignalFlow::Signal nested_allpass(SignalFlow& flow, const SignalFlow::Signal& in, const NestedAllpass& allpass,
                                  Nesting nesting) {
  auto own = playable(allpass.samples);
  if (nesting == Nesting::kContains) {
    for (const auto& part : allpass.inner) own = own - playable(part.samples);
  }
  if (own.requires_grad()) own = own.clamp_min(kShortest_samples);
  return flow.allpass(in, allpass.gain, [&](const SignalFlow::Signal& v) {
    auto signal = own.item<double>() > 0.5 ? flow.delay(v, own) : v;
    for (const auto& part : allpass.inner) signal = flow.allpass(signal, part.gain, playable(part.samples));
    return signal;
  });
}

SignalFlow::Signal allpass_ring(SignalFlow& flow, const SignalFlow::Signal& in, const std::vector<RingStage>& stages,
                                const at::Tensor& feedback, const at::Tensor& lowpass_sos, Nesting nesting) {
  const auto loop = flow.loop();
  auto signal = in + loop;
  SignalFlow::Signal out;
  for (const RingStage& stage : stages) {
    if (stage.delay_samples.defined()) signal = flow.delay(signal, playable(stage.delay_samples));
    if (stage.gain.defined()) signal = stage.gain * signal;
    signal = signal + stage.in;
    if (stage.allpass.samples.defined()) signal = nested_allpass(flow, signal, stage.allpass, nesting);
    if (stage.tap.defined()) out = out + stage.tap * signal;
  }
  flow.close(loop, feedback * flow.filter(signal, lowpass_sos));
  return out;
}

}  // namespace diffverb
