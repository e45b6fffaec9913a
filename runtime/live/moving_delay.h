#pragma once

#include <cstddef>
#include <vector>

namespace diffverb::runtime {

/// A delay of whole samples that may change while it plays: the old place fades into the new one, so that the pitch does not
/// move. What is asked for meanwhile comes next; of several the last.
class MovingDelay {
 public:
  /// Allocates; the only function that does.
  void prepare(int channels, int most_samples, int fade_samples);
  void reset() noexcept;
  void aim(int samples) noexcept;
  /// Without a fade.
  void jump(int samples) noexcept;
  /// In place.
  void process(float* const* channels, int frames) noexcept;

 private:
  static constexpr int kBlock = 256;  // what is taken at once while the delay stands still

  void process_still(float* const* channels, int frames) noexcept;

  std::vector<std::vector<float>> memory_;  // [channels][a power of two]
  std::size_t head_ = 0, mask_ = 0;
  int most_ = 0, fade_samples_ = 1;
  int now_ = 0, next_ = 0, wanted_ = 0;  // samples
  int faded_ = 0;                        // of fade_samples_, while next_ differs from now_
};

}  // namespace diffverb::runtime
