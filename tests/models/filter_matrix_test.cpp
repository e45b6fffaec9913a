#include "models/filter_matrix.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>

#include <set>

#include "core/acoustics/echo_density.h"
#include "core/error.h"
#include "core/matrices/haar.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

FilterMatrix drawn(const std::string& kind, std::int64_t lines, std::int64_t stages, double gap = 24) {
  FilterMatrix matrix;
  matrix.delays = stage_delays(kind, lines, stages, gap, 5);
  for (std::int64_t k = 0; k <= stages; ++k) matrix.mixers.push_back(haar_orthogonal(lines, 60 + k, false));
  return matrix;
}

/// Every delay with which an entry hears: one of each stage.
std::vector<std::int64_t> pulses_of(const std::vector<std::vector<std::int64_t>>& delays) {
  std::vector<std::int64_t> sums = {0};
  for (const auto& bank : delays) {
    std::vector<std::int64_t> next;
    for (const auto sum : sums) {
      for (const auto delay : bank) next.push_back(sum + delay);
    }
    sums = std::move(next);
  }
  return sums;
}

TEST(FilterMatrix, IsParaunitaryForAnyKindAndN) {
  const auto omega = at::linspace(0, 3.14159, 97, at::kDouble);
  for (const std::string kind : {"dense", "velvet"}) {
    for (const std::int64_t n : {2, 3, 8, 16}) {
      for (const std::int64_t stages : {0, 1, 3}) {
        const auto a = response_of(drawn(kind, n, stages), omega);
        const auto off = a.matmul(a.conj().transpose(1, 2)) - at::eye(n, at::kComplexDouble);
        EXPECT_LT(largest(off), 1e-12) << kind << " " << n << " " << stages;
        if (stages > 0) {
          EXPECT_GT(largest(a[40] - a[0]), 0.1);
        }
      }
    }
  }
}

TEST(FilterMatrix, DenseFillsEverySampleVelvetOnePulseInEachGap) {
  for (const std::int64_t n : {2, 5, 8}) {
    const auto dense = pulses_of(stage_delays("dense", n, 3, 1, 7));
    const std::set<std::int64_t> places(dense.begin(), dense.end());
    EXPECT_EQ(static_cast<std::int64_t>(places.size()), n * n * n);
    EXPECT_EQ(*places.rbegin(), n * n * n - 1);
    auto velvet = pulses_of(stage_delays("velvet", n, 2, 24, 7));
    std::sort(velvet.begin(), velvet.end());
    for (std::size_t i = 0; i < velvet.size(); ++i)
      EXPECT_EQ(velvet[i] / 24, static_cast<std::int64_t>(i)) << "one in each 24 samples";
  }
  EXPECT_NE(stage_delays("velvet", 8, 2, 24, 7), stage_delays("velvet", 8, 2, 24, 8));
  EXPECT_THROW(stage_delays("sparse", 8, 2, 24, 7), ContractError);
}

TEST(FilterMatrix, TheDiagramPlaysIt) {
  const auto omega = at::linspace(0.01, 3.1, 61, at::kDouble);
  for (const std::string kind : {"dense", "velvet"}) {
    const auto matrix = drawn(kind, 4, 2, 7.5);
    SignalFlow flow(4, 48000);
    std::vector<SignalFlow::Signal> in;
    for (int i = 0; i < 4; ++i) in.push_back(flow.input(i));
    const auto network = flow.network(add_filter_matrix(flow, matrix, in));
    EXPECT_EQ(network.lines(), 6) << "of each stage one line is none";
    const auto h = frequency_response(network, omega).permute({2, 0, 1});
    EXPECT_LT(relative_error(h, response_of(matrix, omega)), 1e-12) << kind;
  }
}

double density(const std::string& filter, double from_s, double to_s) {
  const auto h =
      reverb_response(
          "jot_fdn", 48000, 48000,
          "{lines: 6, delays_ms: [40, 90], outputs: 1, decay_s: 1.5, t60_high_s: 1.5, filter: " + filter + "}")
          .reshape({-1})
          .contiguous();
  const auto first = first_echoes(h, 1).front();
  const auto heard = h.slice(0, first).contiguous();
  const auto measured =
      acoustics::measure_echo_density({heard.const_data_ptr<double>(), static_cast<std::size_t>(heard.numel())}, 48000);
  return acoustics::mean_echo_density(measured, from_s, to_s).value();
}

TEST(FilterMatrix, EchoesGrowDenserSoonerWithMoreStages) {
  const double none = density("{}", 0.1, 0.2), one = density("{kind: velvet, stages: 1}", 0.1, 0.2),
               two = density("{kind: velvet, stages: 2}", 0.1, 0.2),
               dense = density("{kind: dense, stages: 3}", 0.1, 0.2);
  EXPECT_LT(none, 0.1);
  EXPECT_GT(one, none + 0.1);
  EXPECT_GT(two, one + 0.1);
  EXPECT_GT(dense, two + 0.1) << "216 pulses an entry, not 36";
}

}  // namespace
}  // namespace diffverb
