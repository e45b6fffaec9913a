#include "core/collective.h"

#include <gtest/gtest.h>

namespace diffverb {
namespace {

/// Three ranks that all hold the same.
class Tripled : public Collective {
 public:
  int size() const override { return 3; }
  void sum_in_place(torch::Tensor& tensor) override { tensor.mul_(3); }
};

TEST(Collective, AloneItReturnsTheTensorItself) {
  const torch::Tensor x = torch::rand({4});
  EXPECT_EQ(collective().size(), 1);
  EXPECT_EQ(all_reduce_sum(x).data_ptr(), x.data_ptr());
}

TEST(Collective, SumsOverRanksForwardsAndBackwards) {
  set_collective(std::make_shared<Tripled>());
  torch::Tensor x = torch::rand({2, 3}, torch::requires_grad());
  const torch::Tensor y = all_reduce_sum(x.t());
  (y * y).sum().backward();
  set_collective(nullptr);
  EXPECT_TRUE(torch::allclose(y, 3 * x.detach().t()));
  EXPECT_TRUE(torch::allclose(x.grad(), 3 * 2 * 3 * x.detach()));
  EXPECT_EQ(collective().size(), 1);
}

}  // namespace
}  // namespace diffverb
