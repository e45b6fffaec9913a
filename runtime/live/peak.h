#pragma once

#include <atomic>

namespace diffverb::runtime {

/// The largest since it was read last.
class Peak {
 public:
  void see(float level) noexcept {
    float before = level_.load(std::memory_order_relaxed);
    while (level > before && !level_.compare_exchange_weak(before, level, std::memory_order_relaxed)) {
    }
  }
  float take() noexcept { return level_.exchange(0, std::memory_order_relaxed); }

 private:
  std::atomic<float> level_{0};
};

}  // namespace diffverb::runtime
