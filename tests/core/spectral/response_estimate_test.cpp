#include "core/spectral/response_estimate.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {
namespace {

at::Tensor noise(std::int64_t samples, std::uint64_t seed) {
  Random random(seed, "noise");
  std::vector<double> values;
  for (std::int64_t n = 0; n < samples; ++n) values.push_back(random.normal());
  return at::tensor(values, at::kDouble);
}

/// The shifted inputs as columns, [N, sum of L_p].
at::Tensor columns(const at::Tensor& inputs, const std::vector<std::int64_t>& samples) {
  std::vector<at::Tensor> out;
  const std::int64_t n = inputs.size(1);
  for (std::int64_t p = 0; p < inputs.size(0); ++p) {
    for (std::int64_t k = 0; k < samples[static_cast<std::size_t>(p)]; ++k)
      out.push_back(at::cat({at::zeros({k}, at::kDouble), inputs[p].slice(0, 0, n - k)}));
  }
  return at::stack(out, 1);
}

double nmse_db(const at::Tensor& wanted, const at::Tensor& found) {
  return 10 * std::log10(((wanted - found).square().sum() / wanted.square().sum()).item<double>());
}

TEST(ResponseEstimate, FindsTheResponsesOfSeveralInputsAndChannels) {
  const std::int64_t n = 4000;
  auto x = noise(n, 1);
  x.slice(0, n - 60).zero_();  // all that it gives is heard before the end
  const auto inputs = at::stack({x, x * x, x * x * x});
  const std::vector<std::int64_t> samples = {60, 25, 40};
  std::vector<at::Tensor> wanted;
  const auto a = columns(inputs, samples);
  for (const std::uint64_t seed : {5, 6}) wanted.push_back(noise(125, seed));
  auto h = at::stack(wanted);  // [C, 125]
  const auto wet = h.mm(a.t());
  const auto found = estimate_responses(inputs, wet, samples);
  EXPECT_EQ(found.sizes(), (std::vector<std::int64_t>{3, 2, 60}));
  EXPECT_LT(nmse_db(h.slice(1, 0, 60), found[0]), -60);
  EXPECT_LT(nmse_db(h.slice(1, 60, 85), found[1].slice(1, 0, 25)), -60);
  EXPECT_LT(nmse_db(h.slice(1, 85, 125), found[2].slice(1, 0, 40)), -60);
  EXPECT_EQ(found[1].slice(1, 25).abs().max().item<double>(), 0);
}

/// Coloured input and noise in the output: what the dense normal equations give.
TEST(ResponseEstimate, EqualsTheDenseNormalEquationsUnderNoise) {
  const std::int64_t n = 3000, taps = 80;
  auto x = noise(n, 2);
  x = x + 0.9 * at::cat({at::zeros({1}, at::kDouble), x.slice(0, 0, n - 1)});
  const auto a = columns(x.unsqueeze(0), {taps});
  const auto wet = a.mv(noise(taps, 3)) + 2.0 * noise(n, 4);
  // As the transform has it, what a shifted input loses at the end counts as if it were there: zeros behind the wet sound.
  const auto whole = columns(at::cat({x, at::zeros({taps}, at::kDouble)}).unsqueeze(0), {taps});
  const auto dense =
      at::linalg_solve(whole.t().mm(whole), whole.t().mv(at::cat({wet, at::zeros({taps}, at::kDouble)})));
  EXPECT_LT(nmse_db(dense, estimate_response(x, wet.unsqueeze(0), taps)[0]), -70);
}

TEST(ResponseEstimate, RefusesWhatDoesNotGoTogether) {
  EXPECT_THROW(estimate_responses(noise(100, 1).unsqueeze(0), noise(90, 1).unsqueeze(0), {10}), ContractError);
  EXPECT_THROW(estimate_responses(noise(100, 1).unsqueeze(0), noise(100, 1).unsqueeze(0), {10, 10}), ContractError);
}

}  // namespace
}  // namespace diffverb
