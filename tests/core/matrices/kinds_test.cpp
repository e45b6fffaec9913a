// What makes each kind of feedback matrix what it is, beyond the contract of all (contract_test.cpp).
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/linalg_det.h>
#include <ATen/ops/linalg_eigvals.h>
#include <ATen/ops/linalg_matrix_rank.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <numbers>

#include "core/error.h"
#include "core/matrices/reflections.h"
#include "core/solvers/solvers.h"
#include "tests/core/matrices/matrix_fixture.h"

namespace diffverb {
namespace {

double determinant(const at::Tensor& a) { return at::linalg_det(a.detach()).item<double>(); }

TEST(ReflectionProduct, IsTheProductOfItsReflections) {
  for (const std::int64_t count : {0, 1, 3, 5}) {
    const auto v = normal_matrix(5, count, 3);
    auto expected = at::eye(5, at::kDouble);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto column = v.select(1, k);
      expected = expected - 2 * expected.mv(column).outer(column) / column.dot(column);
    }
    EXPECT_LT(largest(reflection_product(v) - expected), 1e-14) << count;
  }
}

TEST(SpecialOrthogonal, HasDeterminantOneForEveryVector) {
  for (const std::int64_t lines : {1, 2, 5, 8, 32}) {
    const auto matrix = make_matrix("special_orthogonal");
    matrix->reset(lines, 3, at::kDouble);
    EXPECT_NEAR(determinant(matrix->matrix()), 1, 1e-11) << lines;
    for (const double size : {0.0, 1e-3, 50.0}) {
      move_parameters(*matrix, size, 8);
      EXPECT_NEAR(determinant(matrix->matrix()), 1, 1e-11) << lines << " lines, vectors of size " << size;
    }
  }
}

/// Mean square of every entry times N over many draws of 4 x 4: 1 for an even draw.
at::Tensor spread_of(const std::string& name, const std::string& yaml = "{}") {
  constexpr int kDraws = 1000;
  auto sum = at::zeros({4, 4}, at::kDouble);
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) sum += matrix_of(name, 4, seed, yaml).square();
  return sum * (4.0 / kDraws);
}

TEST(RandomOrthogonal, IsAnEvenDrawWhereTheListingIsNot) {
  EXPECT_LT(largest(spread_of("random_orthogonal") - 1), 0.15);
  EXPECT_LT(largest(spread_of("special_orthogonal") - 1), 0.15);
  const auto listed = spread_of("random_orthogonal", "{method: listing}");
  EXPECT_LT(largest(listed.sum(0) - 4), 1e-9);  // orthogonal all the same
  EXPECT_GT(listed[3][3].item<double>(), 2.5);  // but the last line keeps most of its energy to itself
  EXPECT_LT(listed[3][1].item<double>(), 0.3);
}

TEST(Circulant, HasItsPhasesAsEigenvaluesAndCommutesWithTheShift) {
  for (const std::int64_t lines : {1, 2, 3, 8, 15, 64}) {
    const auto matrix = make_matrix("circulant");
    matrix->reset(lines, 2, at::kDouble);
    const auto a = matrix->matrix().detach();
    const auto shift = at::roll(at::eye(lines, at::kDouble), 1, 0);
    EXPECT_LT(largest(a.mm(shift) - shift.mm(a)), 1e-13);
    const auto spectrum = at::fft_fft(a.select(1, 0));  // of the first column: the eigenvalues
    EXPECT_LT(largest(spectrum.abs() - 1), 1e-13);
    if (lines < 3) continue;
    const auto turns = at::polar(at::ones({(lines - 1) / 2}, at::kDouble), matrix->parameters().at("phases").detach());
    EXPECT_LT(at::abs(spectrum.slice(0, 1, (lines + 1) / 2) - turns).max().item<double>(), 1e-13) << lines;
  }
}

TEST(Conference, IsSymmetricWithZerosOnItsDiagonalAndAllElseOfOneSize) {
  const auto matrix = make_matrix("conference");
  std::vector<std::int64_t> sizes;
  for (std::int64_t lines = 1; lines <= 64; ++lines) {
    if (matrix->exists_for(lines)) sizes.push_back(lines);
  }
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{2, 6, 10, 14, 18, 26, 30, 38, 42, 46, 50, 54, 62}));
  for (const std::int64_t lines : sizes) {
    matrix->reset(lines, 1, at::kDouble);
    const auto signs = matrix->matrix() * std::sqrt(static_cast<double>(lines - 1));
    EXPECT_TRUE(at::equal(signs, signs.t())) << lines;
    EXPECT_EQ(largest(signs.diagonal()), 0) << lines;
    EXPECT_LT(largest(signs.abs() + at::eye(lines, at::kDouble) - 1), 1e-14) << lines;
    const auto whole = signs.round();
    EXPECT_TRUE(at::equal(whole.mm(whole), at::eye(lines, at::kDouble) * (lines - 1))) << lines;
  }
}

TEST(Conference, SaysWhichSizesThereAre) {
  try {
    make_matrix("conference")->reset(64, 1, at::kFloat);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "feedback matrix conference: 64 lines, expected one of 2, 6, 10, 14, 18, 26, 30, 38, 42, 46, 50, 54, "
                 "62, the nearest: 62 or 74");
  }
}

TEST(IdentityAmount, TurnsFromTheIdentityToAMatrixThatMixesAllLines) {
  const auto matrix = make_matrix("identity_amount", "{amount: 0}");
  for (const std::int64_t lines : {1, 2, 5, 16}) {
    matrix->reset(lines, 4, at::kDouble);
    EXPECT_LT(largest(matrix->matrix() - at::eye(lines, at::kDouble)), 4e-15) << lines;
    double before = 1;
    for (const double amount : {0.05, 0.2, 0.5, 1.0}) {
      at::NoGradGuard no_grad;
      matrix->parameters().at("amount").fill_(amount);
      const auto a = matrix->matrix();
      EXPECT_NEAR(determinant(a), 1, 1e-12);
      if (lines < 16) continue;
      const double kept = a.diagonal().square().mean().item<double>();  // of a line's energy, that it keeps
      EXPECT_LT(kept, before) << amount;
      before = kept;
    }
    if (lines == 16) {
      EXPECT_LT(before, 0.2);
    }
  }
}

TEST(EigenvalueDesign, HasTheEigenvaluesThatItsParametersSay) {
  for (const std::int64_t lines : {1, 2, 7, 16}) {
    const auto matrix = make_matrix("eigenvalue_design", "{decay_db: 2, decay_spread: 0.25, angle_spread: 0.8}");
    matrix->reset(lines, 5, at::kDouble);
    for (const bool moved : {false, true}) {
      if (moved) move_parameters(*matrix, 1, 6);
      const auto parameters = matrix->parameters();
      const std::int64_t pairs = lines / 2;
      const auto r = at::exp(-at::softplus(parameters.at("rho").detach())) * std::pow(10.0, -1e-4 / 20);
      auto expected = r.to(at::kComplexDouble).slice(0, pairs);
      if (pairs > 0) {
        const auto upper = at::polar(r.slice(0, 0, pairs), parameters.at("theta").detach());
        expected = at::cat({upper, upper.conj().resolve_conj(), expected});
      }
      const auto found = at::linalg_eigvals(matrix->matrix().detach());
      const auto apart = (found.unsqueeze(1) - expected.unsqueeze(0)).abs();
      EXPECT_LT(largest(std::get<0>(apart.min(1))), 1e-11) << lines;  // each is one that was asked for,
      EXPECT_LT(largest(std::get<0>(apart.min(0))), 1e-11) << lines;  // and none is missing
      if (moved) continue;
      const auto loss_db = -20 * found.abs().log10();
      EXPECT_GT(loss_db.min().item<double>(), 1.4999);
      EXPECT_LT(loss_db.max().item<double>(), 2.5001);
      EXPECT_LT(largest(found.angle()), 0.8 * std::numbers::pi);
    }
  }
}

TEST(Givens, ReachesEveryPlaneAndAHadamardMatrixInLog2NLayers) {
  for (const std::int64_t lines : {2, 3, 8, 9}) {
    const auto matrix = make_matrix("givens");
    matrix->reset(lines, 3, at::kDouble);
    EXPECT_EQ(matrix->parameters().at("angles").numel(), lines * (lines - 1) / 2);
    EXPECT_NEAR(determinant(matrix->matrix()), 1, 1e-13);
  }
  const auto butterfly = make_matrix("givens", "{layout: butterfly}");
  EXPECT_THROW(butterfly->reset(12, 1, at::kFloat), ConfigError);
  butterfly->reset(16, 3, at::kDouble);
  EXPECT_EQ(butterfly->parameters().at("angles").numel(), 32);
  at::NoGradGuard no_grad;
  butterfly->parameters().at("angles").fill_(std::numbers::pi / 4);
  EXPECT_LT(largest(butterfly->matrix().abs() - 0.25), 1e-15);
  EXPECT_LT(distance_from_orthogonal(butterfly->matrix()), 1e-14);
}

/// N (N - 1) / 2 angles reach every rotation only if no direction is lost: the Jacobian has full rank.
TEST(Givens, LosesNoDirection) {
  const auto matrix = make_matrix("givens");
  matrix->reset(5, 3, at::kDouble);
  const auto angles = matrix->parameters().at("angles");
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < 25; ++i)
    rows.push_back(torch::autograd::grad({matrix->matrix().flatten()[i]}, {angles})[0]);
  EXPECT_EQ(at::linalg_matrix_rank(at::stack(rows)).item<std::int64_t>(), 10);
}

TEST(BlockDiagonal, KeepsRoomsApartWithoutCouplingAndMixesThemByIt) {
  for (const std::int64_t rooms : {2, 3}) {
    const auto yaml = [&](const std::string& degrees) {
      return "{rooms: " + std::to_string(rooms) + ", coupling_deg: " + degrees + "}";
    };
    const std::int64_t each = 4, lines = rooms * each;
    const auto apart = matrix_of("block_diagonal", lines, 2, yaml("0"));
    const auto coupled = matrix_of("block_diagonal", lines, 2, yaml("20"));
    for (std::int64_t r = 0; r < rooms; ++r) {
      for (std::int64_t q = 0; q < rooms; ++q) {
        const auto block = [&](const at::Tensor& a) {
          return a.slice(0, r * each, (r + 1) * each).slice(1, q * each, (q + 1) * each);
        };
        if (r == q) {
          EXPECT_LT(distance_from_orthogonal(block(apart)), 1e-12);
        } else {
          EXPECT_LT(largest(block(apart)), 1e-14);
        }
        if (rooms > 2) continue;
        // Of what a room holds, cos^2 stays and sin^2 goes over, for any signal: the blocks are rotations of that size.
        const double angle = 20 * std::numbers::pi / 180, size = r == q ? std::cos(angle) : std::sin(angle);
        EXPECT_LT(distance_from_orthogonal(block(coupled) / size), 1e-12);
      }
    }
  }
  EXPECT_THROW(matrix_of("block_diagonal", 10, 1, "{rooms: 3}"), ConfigError);
}

TEST(ComplexUnitary, CommutesWithTheMultiplicationByJ) {
  for (const std::int64_t lines : {2, 6, 16}) {
    const auto matrix = make_matrix("complex_unitary");
    matrix->reset(lines, 2, at::kDouble);
    const std::int64_t m = lines / 2;
    const auto one = at::eye(m, at::kDouble), none = at::zeros_like(one);
    const auto j = at::cat({at::cat({none, -one}, 1), at::cat({one, none}, 1)});
    for (const bool moved : {false, true}) {
      if (moved) move_parameters(*matrix, 2, 6);
      const auto a = matrix->matrix().detach();
      EXPECT_LT(largest(a.mm(j) - j.mm(a)), 1e-12);
      EXPECT_GT(largest(a.slice(0, m).slice(1, 0, m)), 0.01);  // not a real matrix twice
    }
  }
}

/// Through which a line reaches the rotation: the part of an absorbent allpass matrix that is one allpass a line.
TEST(AbsorbentAllpass, IsARotationOfLinesThroughAllpasses) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto matrix = make_matrix("absorbent_allpass", "{gain_low: -0.9, gain_high: 0.9}");
    matrix->reset(8, seed, at::kDouble);
    const auto a = matrix->matrix().detach();
    DelayNetwork network;  // from the outputs of lines 0 .. 3 to their inputs, through lines 4 .. 7
    network.a = a.slice(0, 4).slice(1, 4);
    network.b = a.slice(0, 4).slice(1, 0, 4);
    network.c = a.slice(0, 0, 4).slice(1, 4);
    network.d = a.slice(0, 0, 4).slice(1, 0, 4);
    network.delays = uniform({4}, 1, 200, seed);
    network.line_sos = at::zeros({4, 0, 5}, at::kDouble);
    network.sample_rate_hz = 48000;
    const auto h = frequency_response(network, uniform({500}, 0, std::numbers::pi, seed + 9)).permute({2, 0, 1});
    const auto power = at::matmul(h, h.conj().transpose(1, 2));
    EXPECT_LT(at::abs(power - at::eye(4, at::kComplexDouble)).max().item<double>(), 1e-10) << seed;
  }
}

/// A network whose lines all lead into one allpass output: |H| = 1 for any delays (a uniallpass network).
TEST(AbsorbentAllpass, MakesAWholeNetworkAllpassWithItsInputAndOutputTakenFromOneLine) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto matrix = make_matrix("absorbent_allpass");
    matrix->reset(8, seed, at::kDouble);
    const auto t = matrix->scaling().detach();
    const auto whole = t.unsqueeze(1) * matrix->matrix().detach() / t.unsqueeze(0);  // orthogonal [8, 8]
    DelayNetwork network;  // the line 0 is cut open: its input is the output, its output the input
    network.a = whole.slice(0, 1).slice(1, 1);
    network.b = whole.slice(0, 1).slice(1, 0, 1);
    network.c = whole.slice(0, 0, 1).slice(1, 1);
    network.d = whole.slice(0, 0, 1).slice(1, 0, 1);
    network.delays = uniform({7}, 1, 200, seed).floor();
    network.line_sos = at::zeros({7, 0, 5}, at::kDouble);
    network.sample_rate_hz = 48000;
    const auto h = frequency_response(network, uniform({500}, 0, std::numbers::pi, seed + 9));
    EXPECT_LT(largest(h.abs() - 1), 1e-8) << seed;
  }
}

TEST(Triangular, SwellsWithCoincidingPolesAndDecaysOnceItsLinesLose) {
  DelayNetwork network;
  network.a = matrix_of("triangular", 4, 1, "{diagonal: ones, strength: 2}");
  network.a = at::where(network.a == 0, network.a, at::ones_like(network.a) * 0.5).tril(-1) + at::eye(4, at::kDouble);
  network.b = at::ones({4, 1}, at::kDouble), network.c = at::ones({1, 4}, at::kDouble);
  network.d = at::zeros({1, 1}, at::kDouble);
  network.delays = at::tensor({5., 7., 8., 11.}, at::kDouble);
  network.line_sos = at::tensor({1., 0., 0., 0., 0.}, at::kDouble).repeat({4, 1, 1});
  network.sample_rate_hz = 48000;
  const auto mean_of = [](const at::Tensor& h, std::int64_t from) {
    return h.slice(2, from, from + 400).mean().item<double>();
  };
  const auto lossless = impulse_response(network, 4000);
  EXPECT_GT(mean_of(lossless, 3600) / mean_of(lossless, 1600), 4);  // four poles at z = 1: it grows like n^3
  network.line_sos.select(2, 0).fill_(0.9);
  const auto lossy = impulse_response(network, 4000).abs();
  EXPECT_GT(lossy.max().item<double>(), 1);
  EXPECT_LT(lossy.slice(2, 3600).max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace diffverb
