#include "core/network/loops.h"

#include <algorithm>

namespace diffverb {
namespace {

template <typename Scalar>
class Loops {
 public:
  Loops(const Scalar* a, int n) : a_(a), n_(n), index_(n, -1), low_(n, 0), on_stack_(n, false) {
    for (int i = 0; i < n; ++i) {
      if (index_[i] < 0) visit(i);
    }
  }
  std::vector<std::vector<int>> groups;

 private:
  void visit(int i) {  // at most N deep
    index_[i] = low_[i] = next_++;
    stack_.push_back(i);
    on_stack_[i] = true;
    for (int j = 0; j < n_; ++j) {
      if (j == i || a_[i * n_ + j] == 0) continue;
      if (index_[j] < 0) {
        visit(j);
        low_[i] = std::min(low_[i], low_[j]);
      } else if (on_stack_[j]) {
        low_[i] = std::min(low_[i], index_[j]);
      }
    }
    if (low_[i] != index_[i]) return;
    groups.emplace_back();
    for (int j = -1; j != i;) {
      j = stack_.back();
      stack_.pop_back();
      on_stack_[j] = false;
      groups.back().push_back(j);
    }
    std::sort(groups.back().begin(), groups.back().end());
  }

  const Scalar* a_;
  int n_, next_ = 0;
  std::vector<int> index_, low_, stack_;
  std::vector<bool> on_stack_;
};

}  // namespace

template <typename Scalar>
std::vector<std::vector<int>> loops_of(const Scalar* a, int lines) {
  return Loops<Scalar>(a, lines).groups;
}
template std::vector<std::vector<int>> loops_of(const float*, int);
template std::vector<std::vector<int>> loops_of(const double*, int);

}  // namespace diffverb
