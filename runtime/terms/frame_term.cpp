#include "runtime/terms/frame_term.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "runtime/convolver.h"
#include "runtime/metadata.h"
#include "runtime/mixing_product.h"
#include "runtime/network_check.h"
#include "runtime/resampling.h"
#include "runtime/size.h"
#include "runtime/terms/term_limits.h"

namespace diffverb::runtime {
namespace {

constexpr int kMostHidden = 4096, kMostFrame = 1 << 16, kMostStates = 8;
constexpr double kShortest_ms = 0.01, kLongest_ms = 1e5;

/// How loud the input was over each of the times.
class SlowLevels {
 public:
  SlowLevels(const FrameTerm& term, double sample_rate_hz) : powers_(size(term.states)), levels_(size(term.states)) {
    for (const double ms : term.state_ms) shares_.push_back(1 - std::exp(-1000 / (ms * sample_rate_hz)));
  }
  void reset() noexcept { std::fill(powers_.begin(), powers_.end(), 0.0); }
  /// Reads: the mean square of the inputs at the next sample.
  const std::vector<double>& step(double power) noexcept {
    for (std::size_t k = 0; k < powers_.size(); ++k) {
      powers_[k] += shares_[k] * (power - powers_[k]);
      levels_[k] = std::sqrt(powers_[k] + FrameTerm::kSilence) - std::sqrt(FrameTerm::kSilence);
    }
    return levels_;
  }

 private:
  std::vector<double> shares_, powers_, levels_;
};

class FramePlayer final : public TermPlayer {
 public:
  FramePlayer(const FrameTerm& term, const TermShape& shape)
      : term_(term), shape_(shape), slow_(term, shape.sample_rate_hz) {
    std::vector<float> taps;
    for (auto row = term.kernels.begin(); row != term.kernels.end(); row += term.frame)
      std::reverse_copy(row, row + term.frame, std::back_inserter(taps));
    hidden_.prepare(taps, term.hidden, shape.inputs, term.frame);
    units_.assign(size(term.hidden) * kTermStride, 0.0f);
    unit_rows_ = row_pointers<const float*>(units_, size(term.hidden), kTermStride);
    outputs_.assign(size(shape.outputs), nullptr);
    levels_.assign(size(term.states) * kTermStride, 0.0f);
  }

  void reset() noexcept override {
    hidden_.reset();
    slow_.reset();
  }

  void add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept override {
    for (int h = 0; h < term_.hidden; ++h)
      std::fill_n(units_.data() + size(h) * kTermStride, frames, term_.bias[size(h)]);
    hidden_.add(in, in_stride, units_.data(), kTermStride, frames);
    if (term_.states > 0) follow(in, in_stride, frames);
    for (int h = 0; h < term_.hidden; ++h) activate(h, frames);
    for (std::size_t o = 0; o < outputs_.size(); ++o) outputs_[o] = out + o * out_stride;
    mix(term_.output.data(), shape_.outputs, term_.hidden, unit_rows_.data(), outputs_.data(), true, frames);
  }

 private:
  void follow(const float* in, std::size_t in_stride, int frames) noexcept {
    for (std::size_t t = 0; t < size(frames); ++t) {
      double power = 0;
      for (std::size_t i = 0; i < size(shape_.inputs); ++i) {
        const double x = in[i * in_stride + t];
        power += x * x / shape_.inputs;
      }
      const std::vector<double>& levels = slow_.step(power);
      for (std::size_t k = 0; k < levels.size(); ++k) levels_[k * kTermStride + t] = static_cast<float>(levels[k]);
    }
  }

  void activate(int h, int frames) noexcept {
    constexpr auto kMost = static_cast<float>(kLoudestInside);
    float* z = units_.data() + size(h) * kTermStride;
    if (term_.states > 0) {
      float gain[kChunk], offset[kChunk];
      std::fill_n(gain, frames, 1.0f);
      std::fill_n(offset, frames, 0.0f);
      for (int k = 0; k < term_.states; ++k) {
        const float* level = levels_.data() + size(k) * kTermStride;
        const float scale = term_.scale[size(h * term_.states + k)], shift = term_.shift[size(h * term_.states + k)];
        for (int t = 0; t < frames; ++t) gain[t] += scale * level[t], offset[t] += shift * level[t];
      }
      for (int t = 0; t < frames; ++t) z[t] = gain[t] * z[t] + offset[t];
    }
    const float rest = std::max(term_.bias[size(h)], 0.0f);
    for (int t = 0; t < frames; ++t) z[t] = std::clamp(z[t], 0.0f, kMost) - rest;
  }

  const FrameTerm& term_;
  TermShape shape_;
  SlowLevels slow_;
  Convolver hidden_;
  Floats units_;                         // [H, kTermStride]
  std::vector<const float*> unit_rows_;  // [H]
  std::vector<float*> outputs_;          // [O]
  Floats levels_;                        // [K, kTermStride]
};

}  // namespace

std::string FrameTerm::read(const Container& file, const std::string& name, int outputs, int inputs) {
  hidden = frame = states = -1;
  std::string error = take(file, (name + "kernels").c_str(), "F32", {&hidden, &inputs, &frame}, kernels);
  if (error.empty()) error = take(file, (name + "bias").c_str(), "F32", {&hidden}, bias);
  if (error.empty()) error = take(file, (name + "output").c_str(), "F32", {&outputs, &hidden}, output);
  if (error.empty()) error = take(file, (name + "state_ms").c_str(), "F64", {&states}, state_ms);
  if (error.empty()) error = take(file, (name + "scale").c_str(), "F32", {&hidden, &states}, scale);
  if (error.empty()) error = take(file, (name + "shift").c_str(), "F32", {&hidden, &states}, shift);
  return error;
}

std::string FrameTerm::check(const TermShape& shape, const std::string& name) const {
  const auto refuse = [&](const char* tensor, const std::string& what, int value, int low, int high) {
    return "tensor '" + name + tensor + "': " + what + " is " + std::to_string(value) + ", expected " +
           std::to_string(low) + " to " + std::to_string(high);
  };
  if (hidden < 1 || hidden > kMostHidden) return refuse("kernels", "the number of units", hidden, 1, kMostHidden);
  if (frame < 1 || frame > kMostFrame) return refuse("kernels", "the frame", frame, 1, kMostFrame);
  if (states < 0 || states > kMostStates) return refuse("state_ms", "the number of times", states, 0, kMostStates);
  if (1LL * hidden * shape.inputs > kMostTermTaps / frame)
    return "tensor '" + name + "kernels' has more than " + std::to_string(kMostTermTaps) + " values";
  const std::size_t units = size(hidden), levels = units * size(states);
  for (const std::string& error :
       {check_values((name + "kernels").c_str(), kernels, units * size(shape.inputs) * size(frame)),
        check_values((name + "bias").c_str(), bias, units),
        check_values((name + "output").c_str(), output, size(shape.outputs) * units),
        check_values((name + "state_ms").c_str(), state_ms, size(states)),
        check_values((name + "scale").c_str(), scale, levels), check_values((name + "shift").c_str(), shift, levels)}) {
    if (!error.empty()) return error;
  }
  for (std::size_t k = 0; k < state_ms.size(); ++k) {
    if (!(state_ms[k] >= kShortest_ms && state_ms[k] <= kLongest_ms))
      return "tensor '" + name + "state_ms': time " + std::to_string(k) + " is " + number_text(state_ms[k]) +
             " ms, expected 0.01 to 100000";
  }
  return {};
}

void FrameTerm::add_tensors(const TermShape& shape, const std::string& name, Tensors& to) const {
  to.emplace(name + "kernels", view(kernels, "F32", {hidden, shape.inputs, frame}));
  to.emplace(name + "bias", view(bias, "F32", {hidden}));
  to.emplace(name + "output", view(output, "F32", {shape.outputs, hidden}));
  to.emplace(name + "state_ms", view(state_ms, "F64", {states}));
  to.emplace(name + "scale", view(scale, "F32", {hidden, states}));
  to.emplace(name + "shift", view(shift, "F32", {hidden, states}));
}

void FrameTerm::add_reference(const TermShape& shape, const Signals& input, Signals& to) const {
  SlowLevels slow(*this, shape.sample_rate_hz);
  std::vector<float> taps(kernels);
  for (auto row = taps.begin(); row != taps.end(); row += frame) std::reverse(row, row + frame);
  for (std::size_t n = 0; n < to[0].size(); ++n) {
    double power = 0;
    for (const auto& channel : input) power += channel[n] * channel[n] / static_cast<double>(input.size());
    const std::vector<double>& levels = slow.step(power);
    for (std::size_t h = 0; h < size(hidden); ++h) {
      double z = bias[h], gain = 1, offset = 0;
      for (std::size_t i = 0; i < input.size(); ++i)
        z += filtered_sample(taps.data() + (h * input.size() + i) * size(frame), size(frame), input[i], n);
      for (std::size_t k = 0; k < size(states); ++k) {
        gain += static_cast<double>(scale[h * size(states) + k]) * levels[k];
        offset += static_cast<double>(shift[h * size(states) + k]) * levels[k];
      }
      const double unit = std::clamp(gain * z + offset, 0.0, kLoudestInside) - std::max<double>(bias[h], 0);
      for (std::size_t o = 0; o < to.size(); ++o) to[o][n] += static_cast<double>(output[o * size(hidden) + h]) * unit;
    }
  }
}

std::shared_ptr<const Term> FrameTerm::at_rate(const TermShape& shape, double to_hz) const {
  auto term = std::make_shared<FrameTerm>(*this);
  if (shape.sample_rate_hz == to_hz) return term;
  const auto turn = [](std::vector<float>& rows, int length) {  // oldest first, or as responses
    for (auto row = rows.begin(); row != rows.end(); row += length) std::reverse(row, row + length);
  };
  const std::size_t rows = kernels.size() / size(frame);
  turn(term->kernels, frame);
  term->kernels = resample_responses(term->kernels, size(frame), shape.sample_rate_hz, to_hz, kTermRinging);
  term->frame = static_cast<int>(term->kernels.size() / rows);
  turn(term->kernels, term->frame);
  return term;
}

std::unique_ptr<TermPlayer> FrameTerm::make_player(const TermShape& shape) const {
  return std::make_unique<FramePlayer>(*this, shape);
}

}  // namespace diffverb::runtime
