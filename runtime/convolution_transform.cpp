#include "runtime/convolution_transform.h"

#include <cmath>
#include <map>
#include <mutex>
#include <numbers>
#include <utility>

namespace diffverb::runtime {
namespace {

constexpr int kPart = 1024;  // samples of a step

/// cos and sin of 2 pi k / 4 size for all k, whatever is asked for.
class Turns {
 public:
  explicit Turns(int size) : quarter_(static_cast<std::size_t>(size)), sines_(quarter_ + 1) {
    for (std::size_t k = 0; k <= quarter_; ++k)
      sines_[k] =
          static_cast<float>(std::sin(std::numbers::pi / 2 * static_cast<double>(k) / static_cast<double>(quarter_)));
  }
  float sine(std::size_t k) const {
    k %= 4 * quarter_;
    const float sign = k < 2 * quarter_ ? 1.0f : -1.0f;
    k %= 2 * quarter_;
    return sign * sines_[k <= quarter_ ? k : 2 * quarter_ - k];
  }
  float cosine(std::size_t k) const { return sine(k + quarter_); }

 private:
  std::size_t quarter_;
  std::vector<float> sines_;  // of the first quarter
};

}  // namespace

std::size_t ConvolutionTransform::row(int length) { return static_cast<std::size_t>(length + kSkew); }

ConvolutionTransform::ConvolutionTransform(int size) : size_(size) {
  while (size >> part_bits_ > kPart) ++part_bits_;
  const auto count = static_cast<std::size_t>(size), quarter = count / 4;
  const Turns turns(size);
  twist_.resize(2 * row(size)), untwist_.resize(2 * row(size));
  for (std::size_t n = 0; n < count; ++n) {
    const float cosine = turns.cosine(n), sine = turns.sine(n);
    twist_[n] = cosine, twist_[row(size) + n] = sine;
    // The inverse exchanges the parts: -Im((re + i im) exp(i angle)) with re and im the other way round.
    untwist_[n] = -cosine / static_cast<float>(size), untwist_[row(size) + n] = -sine / static_cast<float>(size);
  }
  for (std::size_t stride = 1;; stride *= 4) {
    ++passes_;
    if (4 * stride >= count) break;
    const bool by_lanes = stride <= 4;
    Floats table(by_lanes ? 6 * row(size / 4) : 6 * quarter / stride);
    for (std::size_t i = 0; i < (by_lanes ? quarter : quarter / stride); ++i) {
      const std::size_t p = by_lanes ? i / stride : i;
      for (std::size_t k = 1; k < 4; ++k) {
        const std::size_t angle = 4 * stride * k * p;  // of 2 pi / 4 size
        table[by_lanes ? (2 * k - 2) * row(size / 4) + i : 6 * i + 2 * k - 2] = turns.cosine(angle);
        table[by_lanes ? (2 * k - 1) * row(size / 4) + i : 6 * i + 2 * k - 1] = -turns.sine(angle);
      }
    }
    turns_.push_back(std::move(table));
  }
}

Fours ConvolutionTransform::fours(int step) const {
  const int length = size_ / 4 >> part_bits_, begin = (step & ((1 << part_bits_) - 1)) * length;
  return {size_, begin, begin + length};
}

void ConvolutionTransform::go_on_at(int step, float* work) const noexcept {
  const int pass = step >> part_bits_;
  go_on(fours(step), source(pass, work), turns_[static_cast<std::size_t>(pass)].data(), source(pass + 1, work), pass);
}

void ConvolutionTransform::forward_part(int step, const float* before, const float* now, float* work, float* spectrum,
                                        std::size_t group_stride) const noexcept {
  const int pass = step >> part_bits_;
  if (pass == 0) return begin_forward(fours(step), before, now, twist_.data(), turns_[0].data(), source(1, work));
  if (pass + 1 < passes_) return go_on_at(step, work);
  end_forward(fours(step), source(pass, work), spectrum, group_stride);
}

void ConvolutionTransform::inverse_part(int step, const float* spectrum, float* work, float* now) const noexcept {
  const int pass = step >> part_bits_;
  if (pass == 0) return begin_inverse(fours(step), spectrum, turns_[0].data(), source(1, work));
  if (pass + 1 < passes_) return go_on_at(step, work);
  end_inverse(fours(step), source(pass, work), untwist_.data(), now);
}

void ConvolutionTransform::forward(int step, const float* before, const float* now, float* work, float* spectrum,
                                   std::size_t group_stride) const noexcept {
  if (!is_one_step()) return forward_part(step, before, now, work, spectrum, group_stride);
  for (int pass = 0; pass < passes_; ++pass) forward_part(pass, before, now, work, spectrum, group_stride);
}

void ConvolutionTransform::inverse(int step, const float* spectrum, float* work, float* now) const noexcept {
  if (!is_one_step()) return inverse_part(step, spectrum, work, now);
  for (int pass = 0; pass < passes_; ++pass) inverse_part(pass, spectrum, work, now);
}

std::shared_ptr<const ConvolutionTransform> shared_transform(int size) {
  static std::mutex mutex;
  static std::map<int, std::weak_ptr<const ConvolutionTransform>> transforms;
  const std::lock_guard lock(mutex);
  std::shared_ptr<const ConvolutionTransform> transform = transforms[size].lock();
  if (!transform) transforms[size] = transform = std::make_shared<const ConvolutionTransform>(size);
  return transform;
}

}  // namespace diffverb::runtime
