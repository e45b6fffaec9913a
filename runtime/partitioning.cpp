#include "runtime/partitioning.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr int kSmallest = 64, kLargestSlot = 256, kLargest = 1 << 15;

int passes(int size) { return std::bit_width(static_cast<unsigned>(size)) / 2; }

/// Of a level for each sample.
double level_cost(const Partitions& level, int outputs, int inputs) {
  const double transforms = (outputs + inputs) * passes(level.size) * transform_pass_cost(level.size);
  const double products = 1.0 * outputs * inputs * level.count * product_cost(level.size);
  return (transforms + products) / level.size;
}

class Search {
 public:
  Search(int length, int outputs, int inputs) : length_(length), outputs_(outputs), inputs_(inputs) {}

  std::vector<Partitions> best() {
    for (int slot = kSmallest; slot <= kLargestSlot; slot *= 2) {
      const double head = outputs_ * inputs_ * head_cost(slot);
      if (slot >= length_)
        take(head);
      else
        extend(slot, slot, head);
    }
    return best_;
  }

 private:
  void take(double cost) {
    if (cost < least_) best_ = levels_, least_ = cost;
  }
  /// Adds a level of `size` from `first_tap` on, and what may follow it.
  void extend(int size, int first_tap, double cost) {
    const int slot = levels_.empty() ? size : levels_.front().size;
    const auto try_until = [&](int end, int next) {
      const Partitions level{size, first_tap, (end - first_tap + size - 1) / size};
      levels_.push_back(level);
      const double so_far = cost + level_cost(level, outputs_, inputs_);
      if (next == 0)
        take(so_far);
      else if (so_far < least_)
        extend(next, end, so_far);
      levels_.pop_back();
    };
    try_until(length_, 0);
    for (int next = 2 * size; next <= kLargest && 2 * next - slot < length_; next *= 2)
      try_until(2 * next - slot, next);
  }

  int length_, outputs_, inputs_;
  std::vector<Partitions> levels_, best_;
  double least_ = HUGE_VAL;
};

}  // namespace

double head_cost(int taps) { return 0.25 * taps; }
double transform_pass_cost(int size) { return 20 + 0.35 * size; }
double product_cost(int bins) { return 0.5 * bins; }

std::vector<Partitions> choose_partitions(int length, int outputs, int inputs) {
  return Search(length, outputs, inputs).best();
}

}  // namespace diffverb::runtime
