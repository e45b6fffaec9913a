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
  moved_.assign(stride_, 0.0);
  whole_.assign(lines_.size() * stride_, 0);
  part_.assign(lines_.size() * stride_, 0.0f);
}

void LineMotions::reset() noexcept {
  oscillators_.reset();
  mean_square_ = 0;
}

void LineMotions::follow_loudness(Rows input, int frames) noexcept {
  const double scale = 1.0 / static_cast<double>(inputs_);
  for (int t = 0; t < frames; ++t) {
    double sum = 0;
    for (std::size_t i = 0; i < inputs_; ++i) {
      const double x = static_cast<double>(input.at[i * input.stride + static_cast<std::size_t>(t)]);
      sum += x * x;
    }
    mean_square_ += share_ * (sum * scale - mean_square_);
    level_[static_cast<std::size_t>(t)] = mean_square_;
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
