#include "runtime/engine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "runtime/denormals.h"
#include "runtime/early_part.h"
#include "runtime/line_kernels.h"

namespace diffverb::runtime {
namespace {

constexpr int kMaxBlock = 256;

/// a1 a2 a3 m0 m1 m2 of a biquad as a trapezoidal state-variable filter; well conditioned in float32 down to a few hertz.
/// Source   Simper 2013
void state_variable(const double* q, float* out, std::size_t stride) {
  const double at_dc = 1 + q[3] + q[4], at_nyquist = 1 - q[3] + q[4];
  const double g = std::sqrt(at_dc / at_nyquist), scale = 2 / (at_nyquist * g), k = (1 - q[4]) * scale;
  const double a1 = 1 / (1 + g * (g + k)), m0 = (q[0] - q[1] + q[2]) / at_nyquist;
  const double values[6] = {a1, g * a1, g * g * a1, m0, (q[0] - q[2]) * scale - m0 * k, (q[0] + q[1] + q[2]) / at_dc - m0};
  for (int i = 0; i < 6; ++i) out[i * stride] = static_cast<float>(values[i]);
}

}  // namespace

struct Engine::Impl {
  explicit Impl(std::shared_ptr<const Model> model);
  void process_block(const float* const* in, float* const* out, int length) noexcept;
  void reset() noexcept;

  std::shared_ptr<const Model> model;
  const DelayNetworkWeights* w;
  int block = 1, padded = 0, groups = 0, lanes = 1;
  std::size_t ring = 0, position = 0;      // a line's ring; kMaxBlock samples behind its end mirror its start
  std::vector<float> lines;                // [N, ring + kMaxBlock]
  std::vector<float> driven;               // [N, kMaxBlock]
  std::vector<float> rows;                 // [kMaxBlock, padded]
  std::vector<float> line_coefficients, line_states, out_coefficients, out_states;
  std::vector<const float*> line_pointers, in_pointers;
  std::vector<float*> driven_pointers, out_pointers;
  std::optional<EarlyPart> early;
};

Engine::Impl::Impl(std::shared_ptr<const Model> held) : model(std::move(held)), w(&model->network) {
  const int n = w->lines;
  lanes = kernel_lanes();
  padded = (n + lanes - 1) / lanes * lanes;
  const int shortest = *std::min_element(w->delays.begin(), w->delays.end()), longest = *std::max_element(w->delays.begin(), w->delays.end());
  block = std::min(shortest, kMaxBlock);
  ring = 1;
  while (ring < static_cast<std::size_t>(longest) + kMaxBlock) ring *= 2;
  lines.resize(n * (ring + kMaxBlock));
  driven.resize(static_cast<std::size_t>(n) * kMaxBlock);
  rows.resize(static_cast<std::size_t>(kMaxBlock) * padded);
  line_coefficients.resize(static_cast<std::size_t>(w->line_sections) * 6 * padded);
  line_states.resize(static_cast<std::size_t>(w->line_sections) * 2 * padded);
  for (int j = 0; j < n; ++j) {
    for (int s = 0; s < w->line_sections; ++s) {
      state_variable(&w->line_sos[5 * (static_cast<std::size_t>(j) * w->line_sections + s)], &line_coefficients[static_cast<std::size_t>(s) * 6 * padded + j], padded);
    }
  }
  groups = (w->output_sections + lanes - 1) / lanes;
  out_coefficients.resize(static_cast<std::size_t>(w->outputs) * groups * 6 * lanes);
  out_states.resize(static_cast<std::size_t>(w->outputs) * groups * 2 * lanes);
  const double identity[5] = {1, 0, 0, 0, 0};
  for (int o = 0; o < w->outputs; ++o) {
    for (int s = 0; s < groups * lanes; ++s) {
      const double* q = s < w->output_sections ? &w->output_sos[5 * (static_cast<std::size_t>(o) * w->output_sections + s)] : identity;
      state_variable(q, &out_coefficients[(static_cast<std::size_t>(o) * groups + s / lanes) * 6 * lanes + s % lanes], lanes);
    }
  }
  line_pointers.resize(n), driven_pointers.resize(n), in_pointers.resize(w->inputs), out_pointers.resize(w->outputs);
  if (w->early_samples > 0) early.emplace(w->early.data(), w->outputs, w->inputs, w->early_samples);
}

void Engine::Impl::reset() noexcept {
  for (auto* buffer : {&lines, &line_states, &out_states}) std::fill(buffer->begin(), buffer->end(), 0.0f);
  if (early) early->reset();
  position = 0;
}

void Engine::Impl::process_block(const float* const* in, float* const* out, int length) noexcept {
  const int n = w->lines;
  const std::size_t stride = ring + kMaxBlock;
  for (int j = 0; j < n; ++j) {
    line_pointers[j] = lines.data() + j * stride + ((position + ring - w->delays[j]) & (ring - 1));
    driven_pointers[j] = driven.data() + static_cast<std::size_t>(j) * kMaxBlock;
  }
  mix_rows(w->A.data(), n, n, line_pointers.data(), driven_pointers.data(), length, false);
  mix_rows(w->B.data(), n, w->inputs, in, driven_pointers.data(), length, true);
  mix_rows(w->C.data(), w->outputs, n, line_pointers.data(), out, length, false);
  mix_rows(w->D.data(), w->outputs, w->inputs, in, out, length, true);
  if (w->line_sections > 0) {
    for (int j = 0; j < n; ++j) {
      for (int t = 0; t < length; ++t) rows[static_cast<std::size_t>(t) * padded + j] = driven_pointers[j][t];
    }
    filter_columns(line_coefficients.data(), w->line_sections, padded, line_states.data(), rows.data(), length);
    for (int j = 0; j < n; ++j) {
      for (int t = 0; t < length; ++t) driven_pointers[j][t] = rows[static_cast<std::size_t>(t) * padded + j];
    }
  }
  for (int j = 0; j < n; ++j) {
    float* line = lines.data() + j * stride;
    const std::size_t first = std::min<std::size_t>(length, ring - position);
    std::copy_n(driven_pointers[j], first, line + position);
    std::copy_n(driven_pointers[j] + first, length - first, line);
    // Reads may run past the ring's end: its start stands there once more.
    if (position < kMaxBlock) std::copy_n(line + position, std::min<std::size_t>(length, kMaxBlock - position), line + ring + position);
    if (first < static_cast<std::size_t>(length)) std::copy_n(line, length - first, line + ring);
  }
  position = (position + length) & (ring - 1);
  for (int o = 0; o < w->outputs; ++o) {
    filter_wavefront(out_coefficients.data() + static_cast<std::size_t>(o) * groups * 6 * lanes, groups,
                     out_states.data() + static_cast<std::size_t>(o) * groups * 2 * lanes, out[o], length);
  }
  if (early) early->process(in, out, length);
}

Engine::Engine() = default;
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

std::string Engine::prepare(std::shared_ptr<const Model> model, double host_rate_hz) {
  if (!model) return "no model";
  if (std::abs(model->sample_rate_hz() - host_rate_hz) > 1e-6) {
    return "the model's rate is " + std::to_string(model->sample_rate_hz()) + " Hz, the host's " + std::to_string(host_rate_hz);
  }
  impl_ = std::make_unique<Impl>(std::move(model));
  return {};
}

int Engine::inputs() const { return impl_ ? impl_->w->inputs : 0; }
int Engine::outputs() const { return impl_ ? impl_->w->outputs : 0; }

void Engine::process(const float* const* in, float* const* out, int frames) noexcept {
  if (!impl_) return;
  const FlushDenormals guard;
  Impl& p = *impl_;
  for (int done = 0; done < frames;) {
    const int length = std::min(p.block, frames - done);
    for (int i = 0; i < p.w->inputs; ++i) p.in_pointers[i] = in[i] + done;
    for (int o = 0; o < p.w->outputs; ++o) p.out_pointers[o] = out[o] + done;
    p.process_block(p.in_pointers.data(), p.out_pointers.data(), length);
    done += length;
  }
}

void Engine::reset() noexcept {
  if (impl_) impl_->reset();
}

}  // namespace diffverb::runtime
