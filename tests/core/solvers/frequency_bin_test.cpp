#include "core/solvers/frequency_bin.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "core/solvers/frequency_bin_problem.h"
#include "core/tensor.h"
#include "tests/core/solvers/filter_zeros.h"
#include "tests/core/solvers/host_team.h"
#include "tests/core/solvers/network_fixture.h"

// The GPU's arithmetic, its lanes taken in turns here, against the CPU's solver: what can be proved without a GPU.
namespace diffverb {
namespace {

template <typename S, int N, bool Pivot>
int solve_all(const BinProblem<S>& p) {
  std::vector<std::byte> bytes(BinMemory<S>::bytes(N, p.inputs, p.outputs) + 64);
  const auto memory = BinMemory<S>::at(bytes.data(), N, p.inputs, p.outputs);
  const HostBinTeam<S, N> team;
  int careful = 0;
  for (int r = 0; r < p.networks; ++r) {
    for (int bin = 0; bin < p.bins; ++bin) {
      BinSolver<S, N, Pivot, HostBinTeam<S, N>>(team, p, memory, r, bin).run();
      careful += p.careful[r * p.bins + bin];
    }
  }
  return careful;
}

struct Solved {
  at::Tensor h, states, gradient;  // gradient [R, entries]
  int careful = 0;
};

template <typename S, int N>
Solved solve(const FrequencyTensors& t, const at::Tensor& grad_h) {
  auto p = bin_problem_of<S>(t);
  const auto complex = t.a.options().dtype(c10::toComplexType(t.a.scalar_type()));
  Solved result;
  result.h = at::zeros({p.networks, p.outputs, p.inputs, p.bins}, complex);
  result.states = at::zeros({p.networks, p.bins, p.states_size()}, complex);
  std::vector<unsigned char> careful(static_cast<std::size_t>(p.networks) * p.bins, 2);
  p.h = static_cast<BinComplex<S>*>(result.h.mutable_data_ptr());
  p.states = static_cast<BinComplex<S>*>(result.states.mutable_data_ptr());
  p.careful = careful.data();
  solve_all<S, N, false>(p);
  result.careful = solve_all<S, N, true>(p);

  const int count = BinEntries<S>(p).count(), ends = p.outputs * p.inputs;
  result.gradient = at::zeros({p.networks, count}, at::kDouble);
  const auto* g = static_cast<const BinComplex<S>*>(grad_h.const_data_ptr());
  std::vector<BinComplex<S>> q(p.lines * p.inputs), here(ends);
  for (int r = 0; r < p.networks; ++r) {
    for (int bin = 0; bin < p.bins; ++bin) {
      const auto* states = p.states + (static_cast<std::size_t>(r) * p.bins + bin) * p.states_size();
      for (int k = 0; k < ends; ++k) here[k] = g[(r * ends + k) * p.bins + bin];
      for (std::size_t k = 0; k < q.size(); ++k) q[k] = bin_q(p, static_cast<int>(k), states, here.data());
      for (int e = 0; e < count; ++e)
        result.gradient.mutable_data_ptr<double>()[r * count + e] +=
            bin_gradient(p, r, bin, e, states, q.data(), here.data());
    }
  }
  return result;
}

FrequencyTensors tensors_of(const NetworkShape& shape, at::ScalarType dtype, std::int64_t networks) {
  std::vector<at::Tensor> a, b, c, d, m, sos;
  for (std::int64_t r = 0; r < networks; ++r) {
    const auto n = random_network(shape, 100 + r, dtype, 3, 40, false);
    a.push_back(n.a), b.push_back(n.b), c.push_back(n.c), d.push_back(n.d), m.push_back(n.delays),
        sos.push_back(n.line_sos);
  }
  return {at::stack(a),
          at::stack(b),
          at::stack(c),
          at::stack(d),
          at::stack(m),
          at::stack(sos),
          at::linspace(0.02, 3.1, 19, at::kDouble),
          1.01};
}

template <typename S, int N>
void expect_equal(const FrequencyTensors& t, double tolerance, int careful) {
  const std::vector<std::int64_t> shape{t.networks(), t.c.size(-2), t.b.size(-1), t.omega.size(0)};
  const auto dtype = t.a.scalar_type();
  const auto grad = at::complex(uniform(shape, -1, 1, 7).to(dtype), uniform(shape, -1, 1, 8).to(dtype));
  const auto bins = solve<S, N>(t, grad);
  EXPECT_EQ(bins.careful, careful);
  const auto kernel = frequency_forward_on_cpu(t, {}, true);
  EXPECT_LT(relative_error(bins.h, kernel.h), tolerance);
  const auto gradients = frequency_backward_on_cpu(t, grad, kernel.states, {});
  std::vector<at::Tensor> flat;
  for (const auto& gradient : gradients) flat.push_back(gradient.to(at::kDouble).reshape({t.networks(), -1}));
  std::int64_t at = 0;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    const std::int64_t count = flat[i].size(1);
    if (count > 0) {
      EXPECT_LT(relative_error(bins.gradient.slice(1, at, at + count), flat[i]), tolerance) << "gradient " << i;
    }
    at += count;
  }
  EXPECT_EQ(at, bins.gradient.size(1));
}

TEST(FrequencyBin, LanesOfTheGpuGiveWhatTheCpuGives) {
  expect_equal<double, 8>(tensors_of({5, 2, 3, 2}, at::kDouble, 2), 1e-10, 0);
  expect_equal<double, 8>(tensors_of({1, 1, 1, 0}, at::kDouble, 1), 1e-10, 0);
  expect_equal<double, 16>(tensors_of({16, 1, 1, 1}, at::kDouble, 1), 1e-10, 0);
  expect_equal<double, 64>(tensors_of({33, 1, 2, 0}, at::kDouble, 1), 1e-10, 0);
  expect_equal<float, 16>(tensors_of({13, 2, 1, 3}, at::kFloat, 3), 2e-4, 0);
  expect_equal<float, 32>(tensors_of({32, 1, 1, 0}, at::kFloat, 1), 2e-4, 0);
}

TEST(FrequencyBin, HoldsWhereFiltersAreZeroOnTheGrid) {
  for (const auto dtype : {at::kDouble, at::kFloat}) {
    auto t = tensors_of({4, 2, 2, 2}, dtype, 1);
    t.sos = sections_with_zeros().unsqueeze(0);
    t.omega = at::linspace(0, std::numbers::pi, 9, at::kDouble);
    t.radius = 1;
    if (dtype == at::kDouble) {
      expect_equal<double, 8>(t, 1e-10, 0);
    } else {
      expect_equal<float, 8>(t, 2e-4, 0);
    }
  }
}

TEST(FrequencyBin, PivotsWhereTheFirstPassSaysSo) {
  auto t = tensors_of({3, 2, 2, 0}, at::kDouble, 1);
  t.a.copy_(at::tensor({1.0, 0.9, -0.2, -0.8, -0.6, 0.3, 0.2, -0.1, 0.4}, at::kDouble).reshape({1, 3, 3}));
  t.delays.fill_(8.0);
  t.omega = at::arange(8, at::kDouble) * (std::numbers::pi / 4);  // z^-8 = 1: a zero stands at the first pivot
  t.radius = 1;
  expect_equal<double, 8>(t, 1e-9, 8);
}

}  // namespace
}  // namespace diffverb
