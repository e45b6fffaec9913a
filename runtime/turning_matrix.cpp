#include "runtime/turning_matrix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

bool is_identity(const std::vector<float>& matrix, std::size_t n) {
  for (std::size_t i = 0; i < n * n; ++i) {
    if (matrix[i] != (i % (n + 1) == 0 ? 1.0f : 0.0f)) return false;
  }
  return true;
}

}  // namespace

TurningMatrix::TurningMatrix(const DelayNetworkWeights& w, const std::vector<int>& row_of_line, int most_frames)
    : lines_(size(w.lines)), stride_(size(most_frames + kPad)), rows_(row_of_line) {
  if (w.turning.empty()) return;
  cos_.assign(w.turning.size() * stride_, 0.0f);
  sin_ = cos_;
  for (std::size_t p = 0; p < w.turning.size(); ++p) {
    Pair pair{w.turning[p]};
    TurningPair& f = pair.formula;
    if (2 * p + 1 == lines_) f.angle_turns = f.angle_depth_turns = f.turn_hz = 0;  // a radius only
    if (f.radius_depth != 0) pair.radius = oscillators_.add(f.radius_rate_hz / w.sample_rate_hz, f.radius_phase_turns);
    if (f.angle_depth_turns != 0)
      pair.angle = oscillators_.add(f.angle_rate_hz / w.sample_rate_hz, f.angle_phase_turns);
    pair.turns_a_sample = f.turn_hz / w.sample_rate_hz;
    pair.is_still = pair.radius < 0 && pair.angle < 0 && f.turn_hz == 0;
    if (pair.is_still) {
      const double angle = 2 * std::numbers::pi * f.angle_turns;
      std::fill_n(cos_.begin() + static_cast<std::ptrdiff_t>(p * stride_), stride_,
                  static_cast<float>(f.radius * std::cos(angle)));
      std::fill_n(sin_.begin() + static_cast<std::ptrdiff_t>(p * stride_), stride_,
                  static_cast<float>(f.radius * std::sin(angle)));
    }
    pairs_.push_back(pair);
  }
  radius_.assign(Oscillators::kCell + kPad, 0.0);
  angle_ = radius_;
  turned_.assign(lines_ * stride_, 0.0f);
  turned_rows_ = row_pointers<const float*>(turned_, lines_, stride_);
  if (is_identity(w.turn_right, lines_)) return;
  mixed_ = turned_;
  mixed_rows_ = row_pointers<float*>(mixed_, lines_, stride_);
  std::vector<std::vector<MixingProduct::Entry>> entries(lines_);
  for (std::size_t i = 0; i < lines_; ++i) {
    for (std::size_t k = 0; k < lines_; ++k) {
      if (const float gain = w.turn_right[i * lines_ + k]; gain != 0.0f) entries[i].push_back({row_of_line[k], gain});
    }
    std::sort(entries[i].begin(), entries[i].end(), [](const auto& a, const auto& b) { return a.column < b.column; });
  }
  right_ = MixingProduct(entries);
}

void TurningMatrix::reset() noexcept {
  oscillators_.reset();
  time_ = 0;
}

/// Some frames of a cell.
void TurningMatrix::advance(const Pair& pair, std::size_t at, int frames) noexcept {
  const TurningPair& f = pair.formula;
  const std::size_t written = size(frames + kPad);
  if (pair.radius < 0)
    std::fill_n(radius_.begin(), written, f.radius);
  else
    set_sine(oscillators_.at(pair.radius), -0.5 * f.radius * f.radius_depth, f.radius * (1 - 0.5 * f.radius_depth),
             frames, radius_.data());
  if (pair.angle < 0)
    std::fill_n(angle_.begin(), written, f.angle_turns);
  else
    set_sine(oscillators_.at(pair.angle), f.angle_depth_turns, f.angle_turns, frames, angle_.data());
  to_rotation(radius_.data(), angle_.data(), pair.turns_a_sample, time_, frames, cos_.data() + at, sin_.data() + at);
}

void TurningMatrix::advance(int frames) noexcept {
  for (int done = 0; done < frames;) {
    const int some = std::min(frames - done, oscillators_.ready());
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      if (!pairs_[p].is_still) advance(pairs_[p], p * stride_ + size(done), some);
    }
    oscillators_.skip(some);
    time_ += some;
    done += some;
  }
}

const float* const* TurningMatrix::turned(const float* const* signals, std::size_t at, int frames) noexcept {
  const bool is_mixed = !right_.is_empty();
  if (is_mixed) right_.run(signals, mixed_rows_.data(), false, frames);
  const auto component = [&](std::size_t i) { return is_mixed ? mixed_rows_[i] : signals[size(rows_[i])]; };
  for (std::size_t p = 0; p < pairs_.size(); ++p) {
    const float *c = cos_.data() + p * stride_ + at, *s = sin_.data() + p * stride_ + at;
    float* to = turned_.data() + 2 * p * stride_;
    if (2 * p + 1 < lines_)
      rotate(c, s, component(2 * p), component(2 * p + 1), frames, to, to + stride_);
    else
      scale(c, component(2 * p), frames, to);
  }
  return turned_rows_.data();
}

}  // namespace diffverb::runtime
