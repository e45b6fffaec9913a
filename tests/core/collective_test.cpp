#include "core/collective.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

namespace diffverb {
namespace {

/// Three ranks that all hold the same.
class Tripled : public Collective {
 public:
  int size() const override { return 3; }
  void sum_in_place(at::Tensor& tensor) override { tensor.mul_(3); }
};

TEST(Collective, AloneItReturnsTheTensorItself) {
  const at::Tensor x = at::rand({4});
  EXPECT_EQ(collective().size(), 1);
  EXPECT_EQ(all_reduce_sum(x).data_ptr(), x.data_ptr());
}

TEST(Collective, SumsOverRanksForwardsAndBackwards) {
  set_collective(std::make_shared<Tripled>());
  at::Tensor x = at::rand({2, 3}).requires_grad_();
  const at::Tensor y = all_reduce_sum(x.t());
  (y * y).sum().backward();
  set_collective(nullptr);
  EXPECT_TRUE(at::allclose(y, 3 * x.detach().t()));
  EXPECT_TRUE(at::allclose(x.grad(), 3 * 2 * 3 * x.detach()));
  EXPECT_EQ(collective().size(), 1);
}

}  // namespace
}  // namespace diffverb
