#include "runtime/line_motions.h"

#include <algorithm>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr double kLevelSeconds = 0.1;

/// Of the sum of squares of some inputs.
FirstOrder<double> one_pole(double pole, int inputs) { return {(1 - pole) / std::max(1, inputs), 0, pole}; }

}  // namespace

LineMotions::LineMotions(const DelayNetworkWeights& w, int most_frames)
    : row_of_(static_cast<std::size_t>(w.lines), -1),
      inputs_(static_cast<std::size_t>(w.inputs)),
      stride_(static_cast<std::size_t>(most_frames + kPad)),
      mean_square_(one_pole(std::exp(-1 / (kLevelSeconds * w.sample_rate_hz)), w.inputs)) {
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
  mean_square_.reset();
}

void LineMotions::follow_loudness(Rows input, int frames) noexcept {
  const auto count = static_cast<std::size_t>(frames);
  std::fill_n(level_.begin(), count, 0.0);
  for (std::size_t i = 0; i < inputs_; ++i) {
    const float* x = input.at + i * input.stride;
    for (std::size_t t = 0; t < count; ++t) level_[t] += static_cast<double>(x[t]) * static_cast<double>(x[t]);
  }
  run_first_order(mean_square_, level_.data(), frames);
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
