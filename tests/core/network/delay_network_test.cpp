#include "core/network/delay_network.h"

#include <ATen/ops/complex.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_eigvals.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/real.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/device/precision.h"
#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {
namespace {

at::Tensor number(double value) { return at::full({}, value, at::kDouble); }

at::Tensor response(const DelayNetwork& network, const at::Tensor& omega) {
  return frequency_response(network, omega).permute({2, 0, 1});  // [K, O, I]
}

const at::Tensor kGrid = at::linspace(0.02, 3.1, 101, at::kDouble);

/// y = -g x + (1 - g^2) w, w(n) = (x + g w)(n - m), by a plain loop.
std::vector<double> schroeder_allpass(double g, int delay, const std::vector<double>& x) {
  std::vector<double> w(x.size(), 0.0), y(x.size());
  for (std::size_t n = 0; n < x.size(); ++n) {
    const auto m = static_cast<std::size_t>(delay);
    if (n >= m) w[n] = x[n - m] + g * w[n - m];
    y[n] = -g * x[n] + (1 - g * g) * w[n];
  }
  return y;
}

std::vector<double> impulse(std::size_t samples) {
  std::vector<double> x(samples, 0.0);
  x[0] = 1;
  return x;
}

TEST(DelayNetwork, ThatIsSoundIsNotLookedAtButItsShapesAndCompositionsAre) {
  auto network = random_network({2, 1, 1, 1}, 300);
  network.line_sos[0][0][4] = 1.5;  // a pole outside
  EXPECT_THROW(network.check(), ContractError);
  set_may_read_from_device(false);  // a step is being recorded
  EXPECT_NO_THROW(network.check());
  set_may_read_from_device(true);
  network.is_sound = true;
  EXPECT_NO_THROW(network.check());
  auto misshapen = network;
  misshapen.b = at::zeros({3, 1}, at::kDouble);
  EXPECT_THROW(misshapen.check(), ContractError);
  for (const auto& composed :
       {series(network, network), parallel(network, network), feedback(network, at::zeros({1, 1}, at::kDouble)),
        allpass(number(0.5), network, number(7))}) {
    EXPECT_FALSE(composed.is_sound);
    EXPECT_THROW(composed.check(), ContractError);
  }
}

TEST(DelayNetwork, SoundWholeDelaysGetInterpolatorsThatChangeNothing) {
  auto network = random_network({3, 1, 1, 1}, 299);
  const auto omega = at::linspace(0.02, 3.1, 31, at::kDouble);
  const auto plain = response(with_whole_delays(network), omega);
  network.is_sound = true;
  network.delays.set_requires_grad(true);
  const auto playable = with_whole_delays(network);
  EXPECT_EQ(playable.sections(), network.sections() + 1);
  EXPECT_LT(relative_error(response(playable, omega), plain), 1e-12);
  response(playable, omega).abs().sum().backward();
  EXPECT_GT(network.delays.grad().abs().min().item<double>(), 0) << "a delay at a whole number can be learned";
}

TEST(DelayNetwork, InSeriesIsTheProductOfBothResponses) {
  const auto first = random_network({3, 2, 3, 2}, 301), second = random_network({4, 3, 2, 1}, 302);
  const auto joined = series(first, second);
  joined.check();
  EXPECT_EQ(joined.sections(), 2);
  EXPECT_LT(relative_error(response(joined, kGrid), response(second, kGrid).matmul(response(first, kGrid))), 1e-12);
}

TEST(DelayNetwork, InParallelIsTheSumOfBothResponses) {
  const auto first = random_network({3, 2, 2, 0}, 311), second = random_network({5, 2, 2, 3}, 312);
  EXPECT_LT(relative_error(response(parallel(first, second), kGrid), response(first, kGrid) + response(second, kGrid)),
            1e-12);
}

TEST(DelayNetwork, InFeedbackIsTheClosedLoop) {
  const auto inner = random_network({4, 2, 3, 1}, 321);
  const auto gains = uniform({2, 3}, -0.2, 0.2, 322);
  const auto h = response(inner, kGrid);
  const auto loop = at::eye(2, at::kComplexDouble) - gains.to(at::kComplexDouble).matmul(h);
  EXPECT_LT(relative_error(response(feedback(inner, gains), kGrid), h.matmul(at::linalg_inv(loop))), 1e-11);
}

TEST(DelayNetwork, RefusesALoopWithoutDelayThatHasNoAnswer) {
  auto inner = random_network({2, 1, 1, 0}, 331);
  inner.d = at::ones({1, 1}, at::kDouble);
  EXPECT_THROW(feedback(inner, at::ones({1, 1}, at::kDouble)), ContractError);
  EXPECT_NO_THROW(feedback(inner, at::full({1, 1}, 0.5, at::kDouble)));
}

TEST(DelayNetwork, MakesSchroedersAllpass) {
  const auto network = allpass(number(0.7), number(23), 48000);
  const auto expected = schroeder_allpass(0.7, 23, impulse(400));
  const auto h = impulse_response(network, 400).reshape({-1});
  for (int n = 0; n < 400; ++n) EXPECT_NEAR(h[n].item<double>(), expected[n], 1e-14) << "sample " << n;
}

TEST(DelayNetwork, MakesNestedAllpassesOfFlatMagnitude) {
  auto nested = allpass(number(0.5), number(11), 48000);
  nested = allpass(number(-0.6), nested, number(17));
  nested = allpass(number(0.4), nested, number(29));
  EXPECT_EQ(nested.lines(), 3);
  const auto magnitude = response(nested, kGrid).abs();
  EXPECT_LT(largest(magnitude - 1), 1e-12);
}

TEST(DelayNetwork, MakesANestedAllpassAsAPlainLoopDoes) {
  // The inner part sits in the delay's place: w = inner((x + g w) delayed).
  const double g = 0.5, inner_g = 0.3;
  const int delay = 13, inner_delay = 7;
  const auto x = impulse(300);
  std::vector<double> w(300, 0.0), v(300, 0.0), inner_w(300, 0.0), expected(300);
  for (int n = 0; n < 300; ++n) {
    const double in = n >= delay ? x[n - delay] + g * w[n - delay] : 0.0;
    v[n] = in;
    if (n >= inner_delay) inner_w[n] = v[n - inner_delay] + inner_g * inner_w[n - inner_delay];
    w[n] = -inner_g * in + (1 - inner_g * inner_g) * inner_w[n];
    expected[n] = -g * x[n] + (1 - g * g) * w[n];
  }
  const auto network = allpass(number(g), allpass(number(inner_g), number(inner_delay), 48000), number(delay));
  const auto h = impulse_response(network, 300).reshape({-1});
  for (int n = 0; n < 300; ++n) EXPECT_NEAR(h[n].item<double>(), expected[n], 1e-14) << "sample " << n;
}

TEST(DelayNetwork, StaysDifferentiableThroughCompositions) {
  const auto weight = uniform({101}, -1, 1, 341);
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        const auto nested = allpass(x[0], allpass(x[1], x[2], 48000), x[3]);
        const auto both = parallel(series(nested, delay_line(x[4], 48000, at::kDouble)), nested);
        return (at::real(response(feedback(both, x[5]), kGrid)).reshape({-1}) * weight).sum();
      },
      {number(0.5), number(0.3), number(7.2), number(13.4), number(5.1), at::full({1, 1}, 0.2, at::kDouble)}, 1e-6,
      1e-4);
}

TEST(DelayNetwork, PlaysAFractionalDelayThroughAnAllpassSection) {
  auto network = random_network({4, 1, 1, 1}, 351, at::kDouble, 1.5, 30, false);
  network.delays = at::tensor({1.0, 1.5, 12.0, 20.3}, at::kDouble);
  const auto whole = with_whole_delays(network);
  EXPECT_TRUE(whole.has_whole_delays());
  EXPECT_EQ(whole.sections(), 2);
  // At low frequencies the interpolator's phase delay is the delay asked for.
  const auto low = at::full({1}, 1e-3, at::kDouble);
  EXPECT_LT(relative_error(frequency_response(whole, low), frequency_response(network, low)), 1e-8);
  const auto sections = whole.line_sos.select(1, 1);
  const auto z = at::exp(at::complex(at::zeros({1}, at::kDouble), -at::full({1}, 2.0, at::kDouble)));
  for (int j = 0; j < 4; ++j) {
    const auto q = sections[j].to(at::kComplexDouble);
    EXPECT_NEAR(((q[0] + q[1] * z) / (1 + q[3] * z)).abs().item<double>(), 1, 1e-14) << "line " << j;
  }
}

TEST(DelayNetwork, GivesFractionalDelaysTheirGradientThroughTheSection) {
  auto network = random_network({3, 1, 1, 1}, 361, at::kDouble, 5, 9, false);
  network.delays = at::tensor({5.3, 7.0, 9.8}, at::kDouble);
  const auto weight = uniform({60}, -1, 1, 362);
  expect_gradient(
      [&](const std::vector<at::Tensor>& x) {
        auto moved = network;
        moved.delays = x[0];
        return (impulse_response(with_whole_delays(moved), 60).reshape({-1}) * weight).sum();
      },
      {network.delays}, 1e-6, 1e-3);
}

TEST(DelayNetwork, LeavesWholeDelaysAloneAndRefusesTooShortOnes) {
  const auto network = random_network({3, 1, 1, 2}, 371);
  EXPECT_EQ(with_whole_delays(network).sections(), 2);
  auto shorter = network;
  shorter.delays = at::tensor({1.2, 4.0, 5.0}, at::kDouble);
  EXPECT_THROW(with_whole_delays(shorter), ContractError);
}

TEST(DelayNetwork, NamesWhatIsWrongWithIt) {
  const auto good = random_network({3, 2, 2, 1}, 381);
  EXPECT_NO_THROW(good.check());
  const auto refuses = [&](const std::function<void(DelayNetwork&)>& damage, const std::string& word) {
    auto bad = good;
    damage(bad);
    try {
      bad.check();
      ADD_FAILURE() << "accepted: " << word;
    } catch (const ContractError& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  };
  refuses([](DelayNetwork& n) { n.a = n.a.slice(1, 0, 2); }, "A has shape");
  refuses([](DelayNetwork& n) { n.c = n.c.slice(1, 0, 2); }, "C has shape");
  refuses([](DelayNetwork& n) { n.d = n.d.slice(1, 0, 1); }, "D has shape");
  refuses([](DelayNetwork& n) { n.b = n.b.to(at::kFloat); }, "one type");
  refuses([](DelayNetwork& n) { n.delays = n.delays.to(at::kFloat); }, "delays");
  refuses([](DelayNetwork& n) { n.delays = -n.delays; }, "line 0");
  refuses([](DelayNetwork& n) { n.delays = n.delays * 0; }, "a loop without delay");
  refuses([](DelayNetwork& n) { n.delays = at::full({3}, NAN, at::kDouble); }, "line 0");
  refuses([](DelayNetwork& n) { n.line_sos = at::ones({3, 1, 5}, at::kDouble) * 2; }, "section 0 of line 0");
  refuses([](DelayNetwork& n) { n.line_sos = n.line_sos.slice(2, 0, 4); }, "line_sos");
  refuses([](DelayNetwork& n) { n.a = at::Tensor(); }, "must all be given");
  refuses([](DelayNetwork& n) { n.a = n.a.slice(0, 0, 0).slice(1, 0, 0); }, "N >= 1");
  refuses([](DelayNetwork& n) { n.a = n.a[0]; }, "A has shape");
  refuses([](DelayNetwork& n) { n.a = n.a.to(at::kHalf); }, "Half");
  refuses([](DelayNetwork& n) { n.b = n.b.slice(1, 0, 0), n.d = n.d.slice(1, 0, 0); }, "at least one input");
  refuses([](DelayNetwork& n) { n.b = n.b[0]; }, "matrices of one type");
  refuses([](DelayNetwork& n) { n.delays = n.delays.slice(0, 0, 2); }, "delays have shape");
  refuses([](DelayNetwork& n) { n.delays = -n.delays; }, "the delay of line 0 is -");
  refuses([](DelayNetwork& n) { n.delays = n.delays * INFINITY; }, "is inf samples");
  refuses([](DelayNetwork& n) { n.a = n.a * NAN; }, "not finite");
  refuses([](DelayNetwork& n) { n.b = n.b * NAN; }, "B holds a number that is not finite");
  refuses([](DelayNetwork& n) { n.c = n.c * INFINITY; }, "C holds a number that is not finite");
  refuses([](DelayNetwork& n) { n.d = n.d * NAN; }, "D holds a number that is not finite");
  refuses([](DelayNetwork& n) { n.line_sos = n.line_sos * NAN; }, "not a stable filter");
  refuses([](DelayNetwork& n) { n.a = 2 * n.a, n.line_sos = n.line_sos.slice(1, 0, 0); }, "grows");
}

TEST(DelayNetwork, DoesNotJoinWhatDoesNotFit) {
  const auto one = random_network({3, 1, 2, 0}, 391), two = random_network({3, 1, 1, 0}, 392);
  EXPECT_THROW(series(one, two), ContractError);
  EXPECT_THROW(parallel(one, two), ContractError);
  auto slower = two;
  slower.sample_rate_hz = 44100;
  EXPECT_THROW(parallel(two, slower), ContractError);
  EXPECT_THROW(allpass(number(0.5), one, number(4)), ContractError);
  EXPECT_THROW(series(two, random_network({3, 1, 1, 0}, 393, at::kFloat)), ContractError);
}

/// The largest modulus of a loop's poles, without line filters: the eigenvalues of its state, every sample in a line.
double largest_pole(const DelayNetwork& n) {
  const auto whole = n.delays.to(at::kLong);
  const std::int64_t order = whole.sum().item<std::int64_t>();
  auto state = at::zeros({order, order}, at::kDouble);
  std::vector<std::int64_t> first{0};
  for (std::int64_t j = 0; j < n.lines(); ++j) first.push_back(first.back() + whole[j].item<std::int64_t>());
  for (std::int64_t j = 0; j < n.lines(); ++j) {
    for (std::int64_t k = first[j] + 1; k < first[j + 1]; ++k) state[k][k - 1] = 1;
    for (std::int64_t i = 0; i < n.lines(); ++i) state[first[i]][first[j + 1] - 1] = n.a[i][j];
  }
  return at::linalg_eigvals(state).abs().max().item<double>();
}

TEST(DelayNetwork, RefusesRandomLoopsThatGrowAndNoneThatDecay) {
  int grown = 0, decayed = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const std::int64_t lines = 1 + static_cast<std::int64_t>(seed % 8);
    auto n = random_network({lines, 1, 1, 0}, 2000 + seed, at::kDouble, 3, 12);
    const double gain = 0.5 + 0.01 * static_cast<double>(seed);
    n.a = gain / std::sqrt(static_cast<double>(lines)) * uniform({lines, lines}, -1.7, 1.7, 3000 + seed);
    const double each_round = std::pow(largest_pole(n), n.delays.max().item<double>());
    if (each_round < 1) {
      EXPECT_NO_THROW(n.check()) << seed << " " << each_round;
      ++decayed;
    } else if (each_round > 1.3) {
      EXPECT_THROW(n.check(), ContractError) << seed << " " << each_round;
      ++grown;
    }
  }
  EXPECT_GE(grown, 40);
  EXPECT_GE(decayed, 40);
}

TEST(DelayNetwork, RefusesALargeRandomLoopThatGrows) {
  auto n = random_network({256, 1, 1, 0}, 12, at::kDouble, 500, 2000);
  n.a = uniform({256, 256}, -1.7, 1.7, 4) / 16 * 0.9;
  n.b = n.b * 0 + 1;
  EXPECT_NO_THROW(n.check());
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {  // a determinant alone sees about half of them
    n.a = uniform({256, 256}, -1.7, 1.7, 4 + seed) / 16 * 1.5;
    try {
      n.check();
    } catch (const ContractError&) {
      ++refused;
    }
  }
  EXPECT_EQ(refused, 4);
}

TEST(DelayNetwork, AcceptsLongLoopsWhoseEchoesAreFarApart) {
  struct Case {
    std::vector<double> a, delays;
  };
  for (const Case& one : {Case{{0.1, 0.8, -0.8, 0.4}, {16000, 15900}}, Case{{0, 2, 0.3, 0}, {16000, 16000}},
                          Case{{0.3, 0.9, -0.5, 0.3}, {9600, 9700}}}) {
    auto n = random_network({2, 1, 1, 0}, 12);
    n.a = at::tensor(one.a, at::kDouble).reshape({2, 2});
    n.delays = at::tensor(one.delays, at::kDouble);
    EXPECT_NO_THROW(n.check()) << one.delays[0];
    n.a = n.a * 2.5;
    EXPECT_THROW(n.check(), ContractError) << one.delays[0];
  }
}

TEST(DelayNetwork, RefusesALoopThatIsSeenToGrow) {
  const auto with = [](const at::Tensor& a, double delay) {
    DelayNetwork n;
    n.a = a.to(at::kFloat);
    n.b = at::ones({a.size(0), 1}), n.c = at::ones({1, a.size(0)}), n.d = at::ones({1, 1});
    n.delays = at::full({a.size(0)}, delay, at::kDouble);
    n.line_sos = at::zeros({a.size(0), 0, 5}, at::kDouble);
    n.sample_rate_hz = 48000;
    return n;
  };
  const auto turn = haar_orthogonal(6, 3, false);
  EXPECT_NO_THROW(with(turn, 7).check());  // lossless
  EXPECT_NO_THROW(with(at::eye(64) - 2.0 / 64 * at::ones({64, 64}), 7).check());
  EXPECT_NO_THROW(with(haar_orthogonal(64, 5, true), 7).check());
  EXPECT_THROW(with(1.1 * turn, 7).check(), ContractError);
  EXPECT_THROW(with(at::full({1, 1}, 1.2), 7).check(), ContractError);
  EXPECT_THROW(with(at::full({1, 1}, -1.2), 7).check(), ContractError);
  EXPECT_THROW(with(at::diag(at::tensor({0.2, 1.3, 0.1})), 7).check(), ContractError);  // a group of its own
  auto lifted = with(0.9 * at::eye(6), 7);
  lifted.line_sos = at::tensor({1.4, 0., 0., 0., 0.}, at::kDouble).repeat({6, 1, 1});
  EXPECT_THROW(lifted.check(), ContractError);
}

}  // namespace
}  // namespace diffverb
