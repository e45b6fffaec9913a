// Every registered loss on the GPU: a new one is tested without a line here.
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/cuda/cuda_fixture.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 8000;

class CUDALosses : public OnGpu<testing::TestWithParam<std::string>> {
 protected:
  struct Result {
    at::Tensor value, ir, matrix;
  };

  static Response response_of(const at::Tensor& ir, const at::Tensor& matrix) {
    Response response(ir, kRateHz);
    response.set("feedback_matrix", matrix);
    response.set_transfer_function(at::fft_rfft(ir).unsqueeze(2));
    return response;
  }

  static Result result_on(at::Device device, at::ScalarType type) {
    const auto matrix = at::linspace(-1, 1, 16, at::kDouble).reshape({4, 4});
    const auto place = [&](const at::Tensor& t) { return t.to(device, type).contiguous(); };
    const auto loss = make_loss(GetParam());
    loss->prepare(response_of(place(decaying_noise(1, 2, kLength, kRateHz, 0.25)), place(matrix.t())));
    const auto ir = place(decaying_noise(2, 2, kLength, kRateHz, 0.2) * 0.7).set_requires_grad(true);
    const auto a = place(matrix).clone().set_requires_grad(true);
    const auto value = loss->evaluate(response_of(ir, a));
    const auto gradients = torch::autograd::grad({value}, {ir, a}, {}, std::nullopt, false, /*allow_unused=*/true);
    return {value, gradients[0], gradients[1]};
  }

  static void expect_equal(at::ScalarType type, double tolerance) {
    const Result host = result_on(at::kCPU, type), device = result_on(at::kCUDA, type);
    EXPECT_TRUE(device.value.is_cuda());
    EXPECT_LT(distance(device.value, host.value), tolerance);
    ASSERT_EQ(device.ir.defined(), host.ir.defined());
    ASSERT_EQ(device.matrix.defined(), host.matrix.defined());
    if (host.ir.defined()) {
      EXPECT_LT(distance(device.ir, host.ir), 10 * tolerance);
    }
    if (host.matrix.defined()) {
      EXPECT_LT(distance(device.matrix, host.matrix), 10 * tolerance);
    }
  }
};

TEST_P(CUDALosses, AreWhatTheyAreOnTheCpu) {
  // Some compute in float32 whatever they are given, and then a sum of 8,000 squares rounds in another order.
  const bool narrow = result_on(at::kCPU, at::kDouble).value.scalar_type() == at::kFloat;
  expect_equal(at::kDouble, narrow ? 1e-3 : 1e-8);
}

TEST_P(CUDALosses, AreWhatTheyAreOnTheCpuInFloat32) { expect_equal(at::kFloat, 1e-2); }

INSTANTIATE_TEST_SUITE_P(Each, CUDALosses, testing::ValuesIn(family<Loss>().names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace diffverb
