#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

constexpr double kPi = std::numbers::pi;

/// One half of Freeverb3's progenitor2 at 34125 Hz. Numbers: allpasses from the inside to the outside.
struct PlainHalf {
  PlainSection damping;
  PlainAllpass first, second, pair, triple_inner, triple_middle;  // pair: the inner one
  double outer_g = 0, outer_d = 0;
  std::int64_t between = 0, before = 0, pair_size = 0, middle = 0, middle_size = 0, triple_size = 0, last = 0;
  Tape between_tape{}, before_tape{}, pair_tape{}, middle_tape{}, triple_middle_tape{}, triple_tape{}, last_tape{};

  void step(double x) {
    x = first.step(damping.step(x));
    x = delayed(between_tape, between, x);
    x = delayed(before_tape, before, second.step(x));
    {  // an allpass in the loop of an allpass, in front of its delay
      const double w = pair_tape.ago(pair_size), v = x + outer_g * w;
      x = outer_d * w - outer_g * v;
      pair_tape.push(pair.step(v));
    }
    x = delayed(middle_tape, middle, x);
    const double w3 = triple_tape.ago(triple_size), v3 = x + outer_g * w3;
    x = outer_d * w3 - outer_g * v3;
    const double w2 = triple_middle_tape.ago(middle_size), v2 = v3 + triple_middle.g * w2;
    triple_tape.push(triple_middle.d * w2 - triple_middle.g * v2);
    triple_middle_tape.push(triple_inner.step(v2));
    last_tape.push(x);
  }
  static double delayed(Tape& tape, std::int64_t samples, double x) {
    const double y = tape.ago(samples);
    tape.push(x);
    return y;
  }
};

PlainHalf plain_half(bool left, double rt60_s, const PlainSection& damping) {
  const double d1 = std::pow(0.938, 1 / rt60_s), d2 = std::pow(0.844, 1 / rt60_s), d3 = std::pow(0.906, 1 / rt60_s);
  PlainHalf h{.damping = damping};
  h.first = {left ? 239 : 205, 0.375, d2};
  h.second = {left ? 392 : 329, 0.312, d3};
  h.pair = {left ? 1944 : 2032, 0.25, d1};
  h.triple_inner = {left ? 1212 : 1452, 0.25, d1};
  h.triple_middle = {0, 0.25, d1};
  h.outer_g = 0.406;
  h.outer_d = d2;
  h.between = left ? 2 : 1;
  h.before = left ? 1055 : 1460;
  h.pair_size = left ? 612 : 368;
  h.middle = left ? 344 : 500;
  h.middle_size = left ? 816 : 688;
  h.triple_size = left ? 1264 : 1340;
  h.last = left ? 1572 : 16;
  return h;
}

struct Rbj {
  double w, alpha;
  Rbj(double hz, double octaves) : w(2 * kPi * hz / 34125) {
    alpha = std::sin(w) * std::sinh(std::log(2.0) / 2 * octaves * w / std::sin(w));
  }
  PlainSection section(double b0, double b1, double b2) const {
    const double a0 = 1 + alpha;
    return {b0 / a0, b1 / a0, b2 / a0, -2 * std::cos(w) / a0, (1 - alpha) / a0};
  }
  PlainSection low_pass() const {
    const double b = 1 - std::cos(w);
    return section(b / 2, b, b / 2);
  }
  PlainSection all_pass() const { return section(1 - alpha, -2 * std::cos(w), 1 + alpha); }
};

PlainSection first_order(double hz) {
  const double t = std::tan(kPi * hz / 34125), b = t / (1 + t);
  return {.b0 = b, .b1 = b, .a1 = -(1 - t) / (1 + t)};
}

at::Tensor plain_progenitor(const at::Tensor& input) {
  const auto u = input.accessor<double, 2>();
  const double rt60_s = 2, gain = std::pow(0.237, 1 / rt60_s), w = 2 * kPi * 5 / 34125;
  const double cut = (std::sqrt(3.) - 2 * std::sin(w)) / (std::sin(w) + std::sqrt(3.) * std::cos(w));
  const std::vector<std::int64_t> sizes[2] = {{617, 535, 434, 347, 218, 162, 144, 122, 109, 74},
                                              {603, 547, 416, 364, 236, 162, 140, 131, 111, 79}},
                                  cross_sizes[2] = {{430, 341, 264, 174}, {447, 324, 247, 191}};
  std::vector<PlainAllpass> diffuser[2], cross[2];
  for (int side = 0; side < 2; ++side) {
    for (const auto size : sizes[side]) diffuser[side].push_back({size, -0.78});
    for (const auto size : cross_sizes[side]) cross[side].push_back({size, 0.78});
  }
  PlainSection block[2], tone[2], bass_phase[2], bass[2], output[2];
  PlainHalf h[2] = {plain_half(true, rt60_s, first_order(9000)), plain_half(false, rt60_s, first_order(9000))};
  for (int side = 0; side < 2; ++side) {
    block[side] = {.b0 = 1, .b1 = -1, .a1 = -cut};
    tone[side] = first_order(0.49 * 34125 < 20000 ? 0.49 * 34125 : 20000);
    bass_phase[side] = Rbj(150, 4).all_pass();
    bass[side] = Rbj(500, 2).low_pass();
    output[side] = Rbj(10000, 2).low_pass();
  }
  auto y = at::zeros_like(input);
  auto out = y.accessor<double, 2>();
  for (std::int64_t n = 0; n < input.size(1); ++n) {
    double x[2], crossed[2], in[2];
    for (int side = 0; side < 2; ++side) {
      x[side] = block[side].step(u[side][n]);
      for (auto& allpass : diffuser[side]) x[side] = allpass.step(x[side]);
      crossed[side] = x[side];
      for (auto& allpass : cross[side]) crossed[side] = allpass.step(crossed[side]);
    }
    for (int side = 0; side < 2; ++side) {
      const double other = h[1 - side].last_tape.ago(h[1 - side].last);
      in[side] = tone[side].step(x[side] + 0.4 * crossed[1 - side]) +
                 gain * (other + 0.1 * bass[side].step(bass_phase[side].step(other)));
    }
    for (int side = 0; side < 2; ++side) h[side].step(in[side]);
    const auto &l = h[0], &r = h[1];
    // Freeverb3's _get_z(k) is what was pushed k pushes ago.
    const double left = l.before_tape.ago(1) * 0.469 +
                        (l.middle_tape.ago(40) - r.middle_tape.ago(192) + l.middle_tape.ago(276) -
                         r.before_tape.ago(110) - r.middle_tape.ago(468)) *
                            0.219 +
                        (l.last_tape.ago(1572) + l.pair.v.ago(121) + l.pair_tape.ago(480) - r.pair_tape.ago(103) +
                         l.triple_inner.v.ago(1117) + l.triple_middle_tape.ago(780) + l.triple_tape.ago(1200) -
                         r.triple_middle_tape.ago(310)) *
                            0.064 +
                        l.last_tape.ago(780) * 0.045;
    const double right = r.before_tape.ago(625) * 0.469 +
                         (r.middle_tape.ago(468) - l.middle_tape.ago(312) + r.middle_tape.ago(24) -
                          l.last_tape.ago(36) - l.before_tape.ago(790) - l.middle_tape.ago(189)) *
                             0.219 +
                         (r.last_tape.ago(8) + r.pair.v.ago(10) + r.pair_tape.ago(359) - l.pair_tape.ago(30) +
                          r.triple_inner.v.ago(1457) + r.triple_middle_tape.ago(109) + r.triple_tape.ago(1310) -
                          l.triple_middle_tape.ago(800)) *
                             0.064 +
                         r.last_tape.ago(10) * 0.045;
    out[0][n] = output[0].step(left);
    out[1][n] = output[1].step(right);
  }
  return y;
}

TEST(Progenitor, AtRestPlaysFreeverb3sLoopSampleBySample) {
  const auto model = make_reverb("progenitor", "{sample_rate_hz: 34125}");
  auto input = at::zeros({2, 30000}, at::kDouble);
  input.narrow(1, 0, 2000).copy_(uniform({2, 2000}, -1, 1, 5));
  const auto heard = time_response(model->network(34125, at::kDouble), input);
  EXPECT_LT(relative_error(heard, plain_progenitor(input)), 1e-9);
}

TEST(Lexicon224, IsLessPeriodicWhenItsCombsMove) {
  const auto model = make_reverb("lexicon224", "{sample_rate_hz: 34125, decay_s: 4, damping_hz: 12000}");
  auto input = at::zeros({2, 3 * 34125}, at::kDouble);
  input.select(1, 0) = 1;
  const at::NoGradGuard no_grad;
  const auto moving = model->play(input)[0], still = time_response(model->network(34125, at::kDouble), input)[0];
  // The shortest comb's period in what is left after two seconds: an autocorrelation.
  const auto at_period = [](const at::Tensor& ir, std::int64_t period) {
    const auto late = ir.narrow(0, 2 * 34125, 34125).to(at::kDouble);
    const auto a = late.narrow(0, 0, 34125 - period), b = late.narrow(0, period, 34125 - period);
    return (a * b).sum().item<double>() / (a.norm() * b.norm()).item<double>();
  };
  EXPECT_LT(std::abs(at_period(moving, 1259)), 0.7 * std::abs(at_period(still, 1259)));
}

class ReverbsWithTanks : public testing::TestWithParam<const char*> {};

TEST_P(ReverbsWithTanks, BothSidesAreHeardAndHaveLittleInCommon) {
  const auto model = make_reverb(GetParam(), "{seconds: 1}");
  const at::NoGradGuard no_grad;
  const auto ir = model->forward().ir()[0].to(at::kDouble);
  ASSERT_EQ(ir.size(0), 2);
  const double left = ir[0].norm().item<double>(), right = ir[1].norm().item<double>();
  EXPECT_LT(std::abs(20 * std::log10(left / right)), 4);
  EXPECT_LT(std::abs((ir[0] * ir[1]).sum().item<double>()) / (left * right), 0.3);
}

TEST_P(ReverbsWithTanks, PlaysAsTheResponseAtRestWhereNothingMoves) {
  const std::string still = "{sample_rate_hz: 24000, excursion_samples: 0}", name = GetParam();
  const auto model = make_reverb(name, name == "dattorro"     ? still
                                       : name == "lexicon224" ? "{sample_rate_hz: 24000, chorus_samples: 0}"
                                       : name == "emt250"     ? "{sample_rate_hz: 24000}"
                                                              : "{sample_rate_hz: 24000, wander: 0}");
  EXPECT_EQ(model->motion(24000).empty(), name == "emt250");
  const at::NoGradGuard no_grad;
  const auto input = uniform({2, 12000}, -1, 1, 4);
  const auto expected = time_response(model->network(24000, at::kDouble), input);
  EXPECT_LT(relative_error(model->play(input), expected), 1e-9);
}

TEST_P(ReverbsWithTanks, MovesWithinReachAndGradientsReachTheDepth) {
  const std::string name = GetParam();
  if (name == "emt250") GTEST_SKIP() << "it stands still";
  const std::string depth = name == "dattorro"     ? "excursion_samples"
                            : name == "lexicon224" ? "chorus_samples"
                                                   : "wander";
  const auto model = make_reverb(name, "{sample_rate_hz: 24000, learn: [" + depth + "]}");
  const auto input = uniform({2, 9000}, -1, 1, 4), level = loudness_level(input, 24000);
  for (const auto& motion : model->motion(24000)) EXPECT_LT(motion.line, model->network(24000).lines());
  const auto quiet = model->play(input), loud = model->play(input, level);
  EXPECT_GT(relative_error(loud, quiet), 1e-3);
  quiet.square().sum().backward();
  EXPECT_GT(largest(model->parameters().at(depth).grad()), 0);
}

INSTANTIATE_TEST_SUITE_P(Models, ReverbsWithTanks,
                         testing::Values("dattorro", "strev", "progenitor", "emt250", "lexicon224"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace diffverb
