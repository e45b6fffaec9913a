#include "runtime/nonlinear_player.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/nonlinear_kernels.h"

namespace diffverb::runtime {
namespace {

constexpr float kLoudest = 1e18f;  // of the lines' squares together

using Entries = std::vector<MixingProduct::Entry>;

/// Rows of left or right, over the signals.
MixingProduct over_signals(const std::vector<float>& matrix, int rank, const std::vector<int>& row_of_line) {
  std::vector<Entries> rows;
  for (int r = 0; r < rank; ++r) {
    Entries& entries = rows.emplace_back();
    for (std::size_t k = 0; k < row_of_line.size(); ++k) {
      const float gain = matrix[static_cast<std::size_t>(r) * row_of_line.size() + k];
      if (gain != 0.0f) entries.push_back({row_of_line[k], gain});
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.column < b.column; });
  }
  return MixingProduct(rows);
}

}  // namespace

NonlinearPlayer::NonlinearPlayer(const DelayNetworkWeights& w, const std::vector<int>& row_of_line, int most_frames) {
  if (!w.nonlinear.is_there()) return;
  loop_ = w.nonlinear;
  row_of_line_ = row_of_line;
  for (int j = 0; j < w.lines; ++j) {
    if (w.delays[static_cast<std::size_t>(j)] > 0) lines_.push_back(j);
  }
  has_squares_ = std::any_of(loop_.square.begin(), loop_.square.end(), [](float g) { return g != 0.0f; });
  to_left_ = over_signals(loop_.left, loop_.rank, row_of_line);
  to_right_ = over_signals(loop_.right, loop_.rank, row_of_line);
  stride_ = static_cast<std::size_t>(most_frames + kPad);
  sample_s_ = 1 / w.sample_rate_hz;
  share_ = 1 - std::exp(-sample_s_ / loop_.time_s);
  left_.assign(static_cast<std::size_t>(loop_.rank) * stride_, 0.0f);
  right_ = left_;
  left_rows_ = row_pointers<float*>(left_, static_cast<std::size_t>(loop_.rank), stride_);
  right_rows_ = row_pointers<float*>(right_, static_cast<std::size_t>(loop_.rank), stride_);
  mean_square_.assign(stride_, 0.0f);
  alpha_ = mean_square_;
}

void NonlinearPlayer::reset() noexcept { level_ = time_ = 0; }

double NonlinearPlayer::drive_at(double time) const noexcept {
  if (loop_.depth == 0) return loop_.bias;
  return loop_.bias +
         loop_.depth * std::sin(2 * std::numbers::pi * (loop_.rate_hz * time * sample_s_ + loop_.phase_turns));
}

void NonlinearPlayer::follow(const float* const* signals, int frames) noexcept {
  if (has_squares_) {
    std::fill_n(mean_square_.begin(), frames + kPad, 0.0f);
    for (const int j : lines_)
      add_square(signals[row_of_line_[static_cast<std::size_t>(j)]], frames, mean_square_.data());
    const double scale = 1 / static_cast<double>(lines_.size()), span = loop_.alpha_max - loop_.alpha_min;
    for (std::size_t t = 0; t < static_cast<std::size_t>(frames); ++t) {
      const float square = mean_square_[t] < kLoudest ? mean_square_[t] : kLoudest;  // what overflowed too
      level_ += share_ * (scale * static_cast<double>(square) - level_);
      const double z = drive_at(time_ + static_cast<double>(t)) + loop_.slope * std::log1p(level_ / loop_.reference);
      alpha_[t] = static_cast<float>(loop_.alpha_min + span / (1 + std::exp(-z)));
    }
  }
  time_ += frames;
  if (loop_.rank == 0) return;
  to_left_.run(signals, left_rows_.data(), false, frames);
  to_right_.run(signals, right_rows_.data(), false, frames);
  for (std::size_t r = 0; r < static_cast<std::size_t>(loop_.rank); ++r)
    multiply(right_.data() + r * stride_, frames, left_.data() + r * stride_);
}

void NonlinearPlayer::finish(int line, const float* const* signals, int frames, float* w) const noexcept {
  const auto j = static_cast<std::size_t>(line);
  if (loop_.square[j] != 0.0f) add_scaled_square(loop_.square[j], alpha_.data(), signals[row_of_line_[j]], frames, w);
  saturate(static_cast<float>(loop_.limit), frames, w);
}

}  // namespace diffverb::runtime
