#include "runtime/engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/biquad.h"
#include "runtime/cascade_kernel.h"
#include "runtime/convolver.h"
#include "runtime/delay_network_player.h"
#include "runtime/denormals.h"
#include "runtime/kernels.h"
#include "runtime/line_filters.h"
#include "runtime/mixing_product.h"
#include "runtime/moving_responses_player.h"
#include "runtime/size.h"
#include "runtime/terms/term.h"

namespace diffverb::runtime {
namespace {

constexpr int kChunk = DelayNetworkPlayer::kChunk;
constexpr std::size_t kStride = DelayNetworkPlayer::kStride;
constexpr float kLoudest = 1e9f;
static_assert(kChunk == TermPlayer::kChunk);

Floats floats(std::size_t count) { return Floats(count, 0.0f); }

}  // namespace

struct Engine::Impl {
  explicit Impl(std::shared_ptr<const Model> held);
  void prepare_cascades();
  void prepare_early();
  void process_chunk(const float* const* in, float* const* out, int offset, int frames) noexcept;
  void equalise(int frames) noexcept;
  void reset() noexcept;

  std::shared_ptr<const Model> model;
  const DelayNetworkWeights& w;
  DelayNetworkPlayer player;
  Floats output;  // [O, kStride]
  Floats cascade_coefficients, cascade_state;
  std::vector<Cascade> cascades;  // [wavefront, O]
  LineFilters general_sections;   // before them, where there are any
  std::vector<float*> output_rows;
  std::vector<Convolver> early;  // one for all channels, or one for each
  MovingResponsesPlayer moving;
  std::vector<std::unique_ptr<TermPlayer>> terms;
};

Engine::Impl::Impl(std::shared_ptr<const Model> held) : model(std::move(held)), w(model->network), player(w) {
  output = floats(size(w.outputs + 3) * kStride);
  output_rows = row_pointers<float*>(output, size(w.outputs + 3), kStride);
  prepare_cascades();
  prepare_early();
  moving.prepare(w.moving, w.outputs, w.inputs, w.sample_rate_hz);
  for (const auto& term : w.terms) terms.push_back(term->make_player(w.term_shape()));
}

/// Sections whose gain of the newest sample cannot be taken out are rare, and played as those of lines are.
void Engine::Impl::prepare_cascades() {
  const std::size_t outputs = size(w.outputs);
  std::vector<std::vector<Biquad>> general(outputs), others(outputs);
  std::vector<double> gains(outputs, 1.0);
  std::size_t most_general = 0, most = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    for (int k = 0; k < w.output_sections; ++k) {
      Biquad f = w.output_section(static_cast<int>(o), k);
      if (count_general({f}) > 0) {
        general[o].push_back(f);
        continue;
      }
      gains[o] *= f.b0;
      others[o].push_back({1, f.b1 / f.b0, f.b2 / f.b0, f.a1, f.a2});
    }
    most_general = std::max(most_general, general[o].size());
    most = std::max(most, others[o].size());
  }
  if (most_general > 0) {
    for (auto& sections : general) sections.resize(std::max<std::size_t>(1, sections.size()));
    general_sections = LineFilters(general, kChunk);
  }
  constexpr std::size_t kLanes = Cascade::kLanes;
  const std::size_t wavefronts = (most + kLanes - 1) / kLanes,
                    each = wavefronts > 0 ? (most + wavefronts - 1) / wavefronts : 0;
  cascade_coefficients = floats(4 * kLanes * wavefronts * outputs);
  cascade_state = floats(3 * kLanes * wavefronts * outputs);
  for (std::size_t first = 0; first < most; first += each) {
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::size_t sections = std::min(each, most - first), at = cascades.size();
      float* lanes = cascade_coefficients.data() + 4 * kLanes * at + kLanes - sections;
      for (std::size_t k = first; k < std::min(first + sections, others[o].size()); ++k, ++lanes) {
        const PlayedSection s = to_played_section(others[o][k]);
        lanes[0] = s.g, lanes[kLanes] = s.p, lanes[2 * kLanes] = s.y1, lanes[3 * kLanes] = s.y2;
      }
      cascades.push_back({static_cast<int>(sections), first == 0 ? static_cast<float>(gains[o]) : 1.0f,
                          cascade_coefficients.data() + 4 * kLanes * at, cascade_state.data() + 3 * kLanes * at});
    }
  }
}

/// Where each input is heard at its own output alone, nothing is convolved with silence.
void Engine::Impl::prepare_early() {
  const std::size_t taps = size(w.early_samples), channels = size(w.outputs);
  const auto response = [&](std::size_t pair) { return w.early.begin() + static_cast<std::ptrdiff_t>(pair * taps); };
  bool is_diagonal = w.inputs == w.outputs;
  for (std::size_t pair = 0; is_diagonal && pair < channels * channels; ++pair) {
    is_diagonal = pair % (channels + 1) == 0 ||
                  std::all_of(response(pair), response(pair + 1), [](float tap) { return tap == 0.0f; });
  }
  early = std::vector<Convolver>(is_diagonal ? channels : 1);
  if (!is_diagonal) return early[0].prepare(w.early, w.outputs, w.inputs, w.early_samples);
  for (std::size_t c = 0; c < channels; ++c) {
    const auto own = response(c * (channels + 1));
    early[c].prepare({own, own + w.early_samples}, 1, 1, w.early_samples);
  }
}

void Engine::Impl::reset() noexcept {
  player.reset();
  std::fill(cascade_state.begin(), cascade_state.end(), 0.0f);
  general_sections.reset();
  for (Convolver& part : early) part.reset();
  moving.reset();
  for (const auto& term : terms) term->reset();
}

void Engine::Impl::equalise(int frames) noexcept {
  general_sections.run(output_rows.data(), frames);
  const auto outputs = size(w.outputs);
  for (std::size_t part = 0; part < cascades.size(); part += outputs) {
    for (std::size_t o = 0; o < outputs; o += 2)
      run_cascades(cascades.data() + part + o, output_rows.data() + o, o + 1 < outputs ? 2 : 1, frames);
  }
}

void Engine::Impl::process_chunk(const float* const* in, float* const* out, int offset, int frames) noexcept {
  for (std::size_t i = 0; i < size(w.inputs); ++i) {
    const float* from = in[i] + offset;
    float* to = player.input() + i * kStride;
    for (int t = 0; t < frames; ++t) to[t] = std::abs(from[t]) <= kLoudest ? from[t] : 0.0f;
  }
  player.process(output.data(), frames);
  equalise(frames);
  for (std::size_t c = 0; c < early.size(); ++c)
    early[c].add(player.input() + c * kStride, kStride, output.data() + c * kStride, kStride, frames);
  moving.add(player.input(), kStride, output.data(), kStride, frames);
  for (const auto& term : terms) term->add(player.input(), kStride, output.data(), kStride, frames);
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
