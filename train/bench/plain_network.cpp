#include "train/bench/plain_network.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

namespace diffverb {
namespace {

at::Tensor as_tensor(const std::vector<float>& values, const at::Tensor& like) {
  return at::tensor(values).reshape(like.sizes());
}

}  // namespace

std::vector<at::Tensor> play_sample_by_sample(const DelayNetwork& network, const at::Tensor& input,
                                              const at::Tensor& output_gradient) {
  const auto n = static_cast<std::size_t>(network.lines()), outputs = static_cast<std::size_t>(network.outputs());
  const auto samples = static_cast<std::size_t>(input.size(1));
  const float *a = network.a.const_data_ptr<float>(), *b = network.b.const_data_ptr<float>(),
              *c = network.c.const_data_ptr<float>();
  const float *d = network.d.const_data_ptr<float>(), *u = input.const_data_ptr<float>(),
              *g = output_gradient.const_data_ptr<float>();
  std::vector<std::size_t> delay(n);
  for (std::size_t j = 0; j < n; ++j)
    delay[j] = static_cast<std::size_t>(network.delays[static_cast<std::int64_t>(j)].item<double>());

  std::vector<float> s(samples * n, 0.0f), v(samples * n), y(outputs * samples);  // by sample, then line
  for (std::size_t t = 0; t < samples; ++t) {
    float* now = s.data() + t * n;
    for (std::size_t j = 0; j < n; ++j) now[j] = t >= delay[j] ? v[(t - delay[j]) * n + j] : 0.0f;
    for (std::size_t i = 0; i < n; ++i) {
      float sum = b[i] * u[t];
      for (std::size_t j = 0; j < n; ++j) sum += a[i * n + j] * now[j];
      v[t * n + i] = sum;
    }
    for (std::size_t o = 0; o < outputs; ++o) {
      float sum = d[o] * u[t];
      for (std::size_t j = 0; j < n; ++j) sum += c[o * n + j] * now[j];
      y[o * samples + t] = sum;
    }
  }

  std::vector<float> s_bar(samples * n), v_bar(n), ga(n * n, 0.0f), gb(n, 0.0f), gc(outputs * n, 0.0f),
      gd(outputs, 0.0f);
  for (std::size_t t = samples; t-- > 0;) {
    const float* now = s.data() + t * n;
    float* bar = s_bar.data() + t * n;
    for (std::size_t j = 0; j < n; ++j) v_bar[j] = t + delay[j] < samples ? s_bar[(t + delay[j]) * n + j] : 0.0f;
    for (std::size_t j = 0; j < n; ++j) bar[j] = 0.0f;
    for (std::size_t i = 0; i < n; ++i) {
      gb[i] += v_bar[i] * u[t];
      for (std::size_t j = 0; j < n; ++j) {
        bar[j] += a[i * n + j] * v_bar[i];
        ga[i * n + j] += v_bar[i] * now[j];
      }
    }
    for (std::size_t o = 0; o < outputs; ++o) {
      const float weight = g[o * samples + t];
      gd[o] += weight * u[t];
      for (std::size_t j = 0; j < n; ++j) {
        bar[j] += c[o * n + j] * weight;
        gc[o * n + j] += weight * now[j];
      }
    }
  }
  return {as_tensor(ga, network.a), as_tensor(gb, network.b), as_tensor(gc, network.c), as_tensor(gd, network.d),
          as_tensor(y, output_gradient)};
}

}  // namespace diffverb
