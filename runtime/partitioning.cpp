#include "runtime/partitioning.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr int kLargest = 1 << 15;
constexpr double kCallCost = 25;  // of a size, each slot

class Search {
 public:
  Search(int length, int outputs, int inputs) : length_(length), outputs_(outputs), inputs_(inputs) {}

  std::vector<Partitions> best() {
    if (length_ > kSlot) extend(kSlot, 0);
    return best_;
  }

 private:
  /// Each sample.
  double cost(const Partitions& level) const {
    const double transforms = (outputs_ + inputs_) * transform_cost(level.size);
    const double products = 1.0 * outputs_ * inputs_ * level.count * product_cost(level.size);
    return (transforms + products) / level.size + kCallCost / kSlot;
  }
  /// Tries partitions of `size` up to the end, and up to where each longer size may begin.
  void extend(int size, double cost_before) {
    const int first_tap = 2 * size - kSlot;
    for (int next = 2 * size;; next *= 2) {
      const bool is_last = next > kLargest || 2 * next - kSlot >= length_;
      const int end = is_last ? length_ : 2 * next - kSlot;
      levels_.push_back({size, first_tap, (end - first_tap + size - 1) / size});
      const double sum = cost_before + cost(levels_.back());
      if (!is_last && sum < least_) extend(next, sum);
      if (is_last && sum < least_) best_ = levels_, least_ = sum;
      levels_.pop_back();
      if (is_last) return;
    }
  }

  int length_, outputs_, inputs_;
  std::vector<Partitions> levels_, best_;
  double least_ = HUGE_VAL;
};

}  // namespace

double transform_cost(int size) {
  const int passes = std::bit_width(static_cast<unsigned>(size)) / 2;
  return passes * (12 + size * (0.08 + 0.1 * std::min(1.0, size / 16384.0)));  // long ones leave the nearest cache
}
double product_cost(int bins) { return 0.12 * bins; }

std::vector<Partitions> choose_partitions(int length, int outputs, int inputs) {
  return Search(length, outputs, inputs).best();
}

}  // namespace diffverb::runtime
