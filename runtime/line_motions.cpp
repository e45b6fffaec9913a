#include "runtime/line_motions.h"

#include <algorithm>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr double kLevelSeconds = 0.1;

}  // namespace

LineMotions::LineMotions(const DelayNetworkWeights& w, int most_frames)
    : row_of_(static_cast<std::size_t>(w.lines), -1),
      inputs_(static_cast<std::size_t>(w.inputs)),
      stride_(static_cast<std::size_t>(most_frames + kPad)),
      share_(1 - std::exp(-1 / (kLevelSeconds * w.sample_rate_hz))) {
  for (const DelayMotion& motion : w.delay_motions) {
    if (motion.depth_samples == 0) continue;
    int& row = row_of_[static_cast<std::size_t>(motion.line)];
    if (row < 0) {
      row = static_cast<int>(lines_.size());
      lines_.emplace_back();
    }
    const double rate = motion.rate_hz / w.sample_rate_hz;
    lines_[static_cast<std::size_t>(row)].push_back({oscillators_.add(rate, motion.phase_turns),
                                                     oscillators_.add(rate, motion.noise_phase_turns),
                                                     motion.depth_samples});
  }
  if (lines_.empty()) return;
  level_.assign(stride_, 0.0);
  for (std::size_t k = 0; k < kGrid; ++k) kept_[k] = std::pow(1 - share_, static_cast<double>(k + 1));
  moved_.assign(stride_, 0.0);
  whole_.assign(lines_.size() * stride_, 0);
  part_.assign(lines_.size() * stride_, 0.0f);
}

void LineMotions::reset() noexcept {
  oscillators_.reset();
  mean_square_ = own_ = 0;
  grid_at_ = 0;
}

/// One pole, y(n) = (1 - share) y(n - 1) + share x(n), by cells of kGrid samples that count from reset() on: within one it
/// follows from the value before the cell and the cell's own samples, so that cells do not wait for one another.
void LineMotions::follow_loudness(Rows input, int frames) noexcept {
  const auto count = static_cast<std::size_t>(frames);
  std::fill_n(level_.begin(), count, 0.0);
  for (std::size_t i = 0; i < inputs_; ++i) {
    const float* x = input.at + i * input.stride;
    for (std::size_t t = 0; t < count; ++t) level_[t] += static_cast<double>(x[t]) * static_cast<double>(x[t]);
  }
  const double share = share_ / static_cast<double>(inputs_), keep = 1 - share_;
  for (std::size_t t = 0; t < count;) {
    const std::size_t some = std::min(count - t, kGrid - grid_at_);
    double own = grid_at_ == 0 ? 0 : own_;
    for (std::size_t k = 0; k < some; ++k) {
      own = keep * own + share * level_[t + k];
      level_[t + k] = own + kept_[grid_at_ + k] * mean_square_;
    }
    t += some;
    grid_at_ += some;
    own_ = own;
    if (grid_at_ < kGrid) break;
    mean_square_ = level_[t - 1];
    grid_at_ = 0;
  }
  to_loudness(level_.data(), frames);
}

void LineMotions::advance(Rows input, int frames) noexcept {
  follow_loudness(input, frames);
  for (int done = 0; done < frames;) {
    const int some = std::min(frames - done, oscillators_.ready());
    for (std::size_t row = 0; row < lines_.size(); ++row) {
      bool first = true;
      for (const Motion& motion : lines_[row]) {
        const PlayedMotion played{oscillators_.at(motion.sine), oscillators_.at(motion.noise), motion.depth};
        if (first)
          set_motion(played, level_.data() + done, some, moved_.data());
        else
          add_motion(played, level_.data() + done, some, moved_.data());
        first = false;
      }
      const std::size_t at = row * stride_ + static_cast<std::size_t>(done);
      split(moved_.data(), some, whole_.data() + at, part_.data() + at);
    }
    oscillators_.skip(some);
    done += some;
  }
}

}  // namespace diffverb::runtime
