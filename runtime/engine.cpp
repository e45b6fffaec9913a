#include "runtime/engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/biquad.h"
#include "runtime/convolver.h"
#include "runtime/denormals.h"
#include "runtime/kernels.h"

namespace diffverb::runtime {
namespace {

constexpr int kChunk = 256;  // what a call is cut into: scratch that stays in the nearest cache
constexpr std::size_t kStride = kChunk + kPad;
constexpr int kCascadeLanes = 32;  // the longest cascade that one wavefront takes; longer ones run in several
constexpr float kLoudest = 1e9f;

void put(const StateVariable& s, float* coefficients, std::size_t stride) {
  const float values[6] = {s.q, s.p, s.r, s.y0, s.y1, s.y2};
  for (std::size_t c = 0; c < 6; ++c) coefficients[c * stride] = values[c];
}

std::vector<float> floats(std::size_t count) { return std::vector<float>(count, 0.0f); }
std::size_t size(int a) { return static_cast<std::size_t>(a); }

}  // namespace

struct Engine::Impl {
  explicit Impl(std::shared_ptr<const Model> held);
  void prepare_lines();
  void prepare_cascades();
  void process_chunk(const float* const* in, float* const* out, int offset, int frames) noexcept;
  void advance(int offset, int frames) noexcept;
  void equalise(int frames) noexcept;
  void reset() noexcept;

  std::shared_ptr<const Model> model;
  const DelayNetworkWeights& w;
  int block = 1;                          // frames that the loop may advance at once
  int lanes = 0;                          // lines, padded to whole vectors
  std::vector<std::vector<float>> rings;  // [N] of m_j samples: what is written now comes out m_j later
  std::vector<std::size_t> heads;         // [N]
  std::vector<float> input, output;       // [I or O, kStride]
  std::vector<float> read, driven;        // [lanes, kStride]
  std::vector<float> rows;                // [kChunk, lanes]
  std::vector<float> line_coefficients, line_state;
  std::vector<float> cascade_coefficients, cascade_state;
  std::vector<Cascade> cascades;  // [wavefront, O]
  Convolver early;
};

Engine::Impl::Impl(std::shared_ptr<const Model> held) : model(std::move(held)), w(model->network) {
  block = std::min(kChunk, *std::min_element(w.delays.begin(), w.delays.end()));
  lanes = padded_lanes(w.lines);
  for (const std::int32_t m : w.delays) rings.push_back(floats(size(m)));
  heads.assign(size(w.lines), 0);
  input = floats(size(w.inputs) * kStride);
  output = floats(size(w.outputs) * kStride);
  read = floats(size(lanes) * kStride);
  driven = floats(size(lanes) * kStride);
  rows = floats(size(kChunk + kPad) * size(lanes));
  prepare_lines();
  prepare_cascades();
  early.prepare(w.early, w.outputs, w.inputs, w.early_samples);
}

void Engine::Impl::prepare_lines() {
  line_coefficients = floats(size(w.line_sections) * 6 * size(lanes));
  line_state = floats(size(w.line_sections) * 2 * size(lanes));
  for (int k = 0; k < w.line_sections; ++k) {
    for (int j = 0; j < w.lines; ++j) {
      put(to_state_variable(w.line_section(j, k)), line_coefficients.data() + size(k) * 6 * size(lanes) + j,
          size(lanes));
    }
  }
}

void Engine::Impl::prepare_cascades() {
  struct Part {
    int first, sections, lanes;
  };
  std::vector<Part> parts;
  for (int first = 0; first < w.output_sections; first += kCascadeLanes) {
    const int sections = std::min(kCascadeLanes, w.output_sections - first);
    parts.push_back({first, sections, padded_lanes(sections)});
  }
  std::size_t total = 0;
  for (const Part& part : parts) total += size(part.lanes) * size(w.outputs);
  cascade_coefficients = floats(6 * total);
  cascade_state = floats(2 * total);
  std::size_t at = 0;
  for (const Part& part : parts) {
    for (int o = 0; o < w.outputs; ++o) {
      float* coefficients = cascade_coefficients.data() + 6 * at;
      for (int k = 0; k < part.sections; ++k) {
        put(to_state_variable(w.output_section(o, part.first + k)), coefficients + k, size(part.lanes));
      }
      cascades.push_back({part.lanes, part.sections, coefficients, cascade_state.data() + 2 * at});
      at += size(part.lanes);
    }
  }
}

void Engine::Impl::reset() noexcept {
  for (auto& ring : rings) std::fill(ring.begin(), ring.end(), 0.0f);
  std::fill(heads.begin(), heads.end(), std::size_t{0});
  std::fill(line_state.begin(), line_state.end(), 0.0f);
  std::fill(cascade_state.begin(), cascade_state.end(), 0.0f);
  early.reset();
}

/// The loop and its outputs over `frames` <= block samples that stand at `offset` of the chunk.
void Engine::Impl::advance(int offset, int frames) noexcept {
  for (std::size_t j = 0; j < rings.size(); ++j) {
    const std::vector<float>& ring = rings[j];
    float* to = read.data() + j * kStride;
    const std::size_t first = std::min(size(frames), ring.size() - heads[j]);
    std::copy_n(ring.data() + heads[j], first, to);
    std::copy_n(ring.data(), size(frames) - first, to + first);
  }
  const float* u = input.data() + offset;
  mix(w.C.data(), w.outputs, w.lines, read.data(), kStride, output.data() + offset, kStride, frames, false);
  mix(w.D.data(), w.outputs, w.inputs, u, kStride, output.data() + offset, kStride, frames, true);
  mix(w.A.data(), w.lines, w.lines, read.data(), kStride, driven.data(), kStride, frames, false);
  mix(w.B.data(), w.lines, w.inputs, u, kStride, driven.data(), kStride, frames, true);
  if (w.line_sections > 0) {
    interleave(driven.data(), kStride, w.lines, lanes, rows.data(), frames);
    filter_lanes({lanes, w.line_sections, line_coefficients.data(), line_state.data()}, rows.data(), frames);
    deinterleave(rows.data(), w.lines, lanes, driven.data(), kStride, frames);
  }
  for (std::size_t j = 0; j < rings.size(); ++j) {
    std::vector<float>& ring = rings[j];
    const float* from = driven.data() + j * kStride;
    const std::size_t first = std::min(size(frames), ring.size() - heads[j]);
    std::copy_n(from, first, ring.data() + heads[j]);
    std::copy_n(from + first, size(frames) - first, ring.data());
    heads[j] = (heads[j] + size(frames)) % ring.size();
  }
}

void Engine::Impl::equalise(int frames) noexcept {
  const auto outputs = size(w.outputs);
  for (std::size_t part = 0; part < cascades.size(); part += outputs) {
    for (std::size_t o = 0; o < outputs; o += 2) {
      float* channels[2] = {output.data() + o * kStride, output.data() + (o + 1) * kStride};
      run_cascades(cascades.data() + part + o, channels, o + 1 < outputs ? 2 : 1, frames);
    }
  }
}

void Engine::Impl::process_chunk(const float* const* in, float* const* out, int offset, int frames) noexcept {
  for (std::size_t i = 0; i < size(w.inputs); ++i) {
    const float* from = in[i] + offset;
    float* to = input.data() + i * kStride;
    for (int t = 0; t < frames; ++t) to[t] = std::abs(from[t]) <= kLoudest ? from[t] : 0.0f;
  }
  for (int done = 0; done < frames; done += block) advance(done, std::min(block, frames - done));
  equalise(frames);
  early.add(input.data(), kStride, output.data(), kStride, frames);
  for (std::size_t o = 0; o < size(w.outputs); ++o) std::copy_n(output.data() + o * kStride, frames, out[o] + offset);
}

Engine::Engine() = default;
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

std::string Engine::prepare(std::shared_ptr<const Model> model, double host_rate_hz) {
  if (!model) return "no model";
  if (!(std::abs(model->sample_rate_hz() - host_rate_hz) <= 1e-6 * host_rate_hz)) {
    return "the model was made for " + std::to_string(std::lround(model->sample_rate_hz())) + " Hz, the host runs at " +
           std::to_string(std::lround(host_rate_hz)) + " Hz";
  }
  kernel_target();  // chooses the instruction set now, not in process()
  impl_ = std::make_unique<Impl>(std::move(model));
  return {};
}

int Engine::inputs() const { return impl_ ? impl_->w.inputs : 0; }
int Engine::outputs() const { return impl_ ? impl_->w.outputs : 0; }
const char* Engine::target() { return kernel_target(); }

void Engine::process(const float* const* in, float* const* out, int frames) noexcept {
  if (!impl_) return;
  const FlushDenormals guard;
  for (int done = 0; done < frames; done += kChunk)
    impl_->process_chunk(in, out, done, std::min(kChunk, frames - done));
}

void Engine::reset() noexcept {
  if (impl_) impl_->reset();
}

}  // namespace diffverb::runtime
