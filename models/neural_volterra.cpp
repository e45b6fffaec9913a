#include "models/neural_volterra.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/seed.h"

namespace diffverb {
namespace {

/// Uniform within +- 1 / sqrt(fan in), as linear layers commonly begin.
at::Tensor drawn(std::vector<std::int64_t> shape, std::int64_t fan_in, Random& random) {
  const double most = 1 / std::sqrt(static_cast<double>(fan_in));
  auto values = at::empty(shape, at::kDouble);
  for (std::int64_t i = 0; i < values.numel(); ++i) values.mutable_data_ptr<double>()[i] = random.uniform(-most, most);
  return values;
}

}  // namespace

NeuralVolterra::NeuralVolterra(Fields& f, const SignalShape& shape) : TermModel(shape) {
  double level_db = -20;
  std::uint64_t seed = 1;
  f.optional("frame", frame_, between(1, 8192), "samples");
  f.optional("hidden", hidden_, between(1, 1024), "units");
  f.optional("state_ms", state_ms_, between(0.1, 10000), "ms");
  f.optional("level_db", level_db, between(-120, 20), "dB");
  f.optional("seed", seed);
  if (state_ms_.size() > 8) f.fail("state_ms", "8 times at most expected");
  if (f.is_recording()) return;
  Random random(seed, "neural_volterra");
  set("hidden", drawn({hidden_, inputs(), frame_}, inputs() * frame_, random));
  set("bias", drawn({hidden_}, inputs() * frame_, random));
  set("output", drawn({outputs(), hidden_}, hidden_, random) * std::pow(10, level_db / 20));
  if (state_ms_.empty()) return;
  const auto states = static_cast<std::int64_t>(state_ms_.size());
  set("scale", at::zeros({hidden_, states}, at::kDouble));
  set("shift", at::zeros({hidden_, states}, at::kDouble));
}

TermModel::Parts NeuralVolterra::parts() const {
  FrameNetwork network{(*this)["hidden"], (*this)["bias"], (*this)["output"], {}, {}, state_ms_};
  if (!state_ms_.empty()) network.scale = (*this)["scale"], network.shift = (*this)["shift"];
  return {{}, {}, {network}};
}

double NeuralVolterra::bound(double peak) const {
  const at::NoGradGuard no_grad;
  auto units = (*this)["bias"].abs() + (*this)["hidden"].abs().sum({1, 2}) * peak;
  if (!state_ms_.empty())
    units = units * (1 + (*this)["scale"].abs().sum(1) * peak) + (*this)["shift"].abs().sum(1) * peak;
  return (*this)["output"].abs().mv(units).max().item<double>();
}

DIFFVERB_PART(models, neural_volterra, NeuralVolterra,
              "A Volterra kernel as a network of the last samples, which may depend on a slow level", "")

}  // namespace diffverb
