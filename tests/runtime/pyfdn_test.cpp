// Delay networks in pyFDN's JSON: what is read plays as pyFDN's recursion says, what is written is read again, and what
// is damaged is refused. Against pyFDN itself: tests/oracle/pyfdn.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "networks.h"
#include "pyfdn_builds.h"
#include "runtime/bench_networks.h"
#include "runtime/pyfdn_file.h"
#include "runtime/pyfdn_network.h"
#include "runtime/render.h"

namespace diffverb::runtime {
namespace {

using testing::full_build;
using testing::load_text;
using Rows = std::vector<std::vector<float>>;

/// The largest difference, relative to the largest sample.
template <typename A, typename B>
double difference(const A& ours, const B& theirs) {
  double peak = 0, error = 0;
  EXPECT_EQ(ours.size(), theirs.size());
  for (std::size_t c = 0; c < std::min(ours.size(), theirs.size()); ++c) {
    EXPECT_EQ(ours[c].size(), theirs[c].size());
    for (std::size_t n = 0; n < std::min(ours[c].size(), theirs[c].size()); ++n) {
      peak = std::max(peak, std::abs(static_cast<double>(theirs[c][n])));
      error = std::max(error, std::abs(static_cast<double>(ours[c][n]) - static_cast<double>(theirs[c][n])));
    }
  }
  EXPECT_GT(peak, 0.01);
  return error / peak;
}

/// A cascade in the direct form, double precision.
class Cascade {
 public:
  Cascade(const PyfdnBuild::Bank& bank, std::size_t channel) {
    const auto sections = static_cast<std::size_t>(bank.sections);
    for (std::size_t k = 0; k < sections; ++k) f_.push_back(bank.sos.data() + 5 * (channel * sections + k));
    state_.resize(sections);
  }
  double step(double x) {
    for (std::size_t k = 0; k < f_.size(); ++k) {
      const double* f = f_[k];
      const double y = f[0] * x + state_[k][0];
      state_[k] = {f[1] * x - f[3] * y + state_[k][1], f[2] * x - f[4] * y};
      x = y;
    }
    return x;
  }

 private:
  std::vector<const double*> f_;
  std::vector<std::array<double, 2>> state_;
};

/// The recursion of pyfdn_file.h, sample by sample, filters where pyFDN has them.
std::vector<std::vector<double>> play_build(const PyfdnBuild& b, const Rows& input) {
  const auto n = static_cast<std::size_t>(b.lines), inputs = static_cast<std::size_t>(b.inputs);
  const auto outputs = static_cast<std::size_t>(b.outputs);
  std::vector<std::vector<double>> ring, y(outputs);
  std::vector<Cascade> after_delay, after_matrix, after_output;
  for (std::size_t j = 0; j < n; ++j) {
    ring.emplace_back(static_cast<std::size_t>(b.delays[j]), 0.0);
    after_delay.emplace_back(b.post_delay, j);
    after_matrix.emplace_back(b.post_matrix, j);
  }
  for (std::size_t o = 0; o < outputs; ++o) after_output.emplace_back(b.post_output, o);
  std::vector<double> s(n);
  for (std::size_t t = 0; t < input[0].size(); ++t) {
    for (std::size_t j = 0; j < n; ++j) s[j] = after_delay[j].step(ring[j][t % ring[j].size()]);
    for (std::size_t o = 0; o < outputs; ++o) {
      double wet = 0, direct = 0;
      for (std::size_t j = 0; j < n; ++j) wet += b.C[o * n + j] * s[j];
      for (std::size_t i = 0; i < inputs; ++i) direct += b.D[o * inputs + i] * static_cast<double>(input[i][t]);
      y[o].push_back(after_output[o].step(wet) + direct);
    }
    for (std::size_t j = 0; j < n; ++j) {
      double back = 0, in = 0;
      for (std::size_t k = 0; k < n; ++k) back += b.A[j * n + k] * s[k];
      for (std::size_t i = 0; i < inputs; ++i) in += b.B[j * inputs + i] * static_cast<double>(input[i][t]);
      ring[j][t % ring[j].size()] = after_matrix[j].step(back) + in;
    }
  }
  return y;
}

TEST(RuntimePyfdn, FiltersStandWherePyfdnHasThem) {
  const PyfdnBuild build = full_build();
  const LoadResult loaded = load_text(format_pyfdn(build));
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.model->network.lines, 8) << "a second line where a filter follows the matrix and there is input";
  EXPECT_EQ(loaded.model->network.provenance, R"({"license":"MIT","name":"full"})");
  EXPECT_FALSE(loaded.model->network.lossless);
  const Rows input = testing::noise(2, 3000, 5);
  EXPECT_LT(difference(render(loaded.model, input, 0), play_build(build, input)), 2e-6);
  // The comparison would see a filter in another place.
  PyfdnBuild other = build;
  std::swap(other.post_matrix, other.post_delay);
  EXPECT_GT(difference(render(loaded.model, input, 0), play_build(other, input)), 1e-3);
  other = build;
  other.post_output = {};
  EXPECT_GT(difference(render(loaded.model, input, 0), play_build(other, input)), 1e-3);
}

TEST(RuntimePyfdn, WhatIsWrittenIsReadAgainAndPlaysTheSame) {
  for (const testing::NetworkSize& size :
       {testing::NetworkSize{1, 1, 1, 0, 0, 0, 1, 1}, testing::NetworkSize{4, 1, 2, 3, 0, 0, 5, 40},
        testing::NetworkSize{16, 3, 2, 2, 5, 1, 20, 200}, testing::NetworkSize{33, 2, 8, 11, 3, 1, 1, 90}}) {
    DelayNetworkWeights w = testing::random_network(size, 7);
    if (size.output_sections > 0) std::fill(w.D.begin(), w.D.end(), 0.0f);
    w.provenance = R"({"created_by":"a test","licence":"none"})";
    const PyfdnText build = make_pyfdn(w);
    ASSERT_EQ(build.error, "");
    EXPECT_EQ(build.left_out, "");
    const LoadResult again = load_text(build.text);
    ASSERT_EQ(again.error, "");
    EXPECT_EQ(again.model->network.provenance, w.provenance);
    EXPECT_EQ(again.model->network.A, w.A);
    EXPECT_EQ(again.model->network.line_sos, w.line_sos);
    const Rows input = testing::noise(size.inputs, 2000, 3);
    EXPECT_LT(difference(render(again.model, input, 0), render(make_model(w).model, input, 0)), 1e-6);
    EXPECT_EQ(make_pyfdn(again.model->network).text, build.text);
  }
}

TEST(RuntimePyfdn, WhatABuildCannotHoldIsSaid) {
  DelayNetworkWeights w = testing::random_network({4, 2, 1, 2, 3, 96, 5, 40}, 4);
  const PyfdnText both = make_pyfdn(w);
  ASSERT_EQ(both.error, "");
  EXPECT_EQ(both.left_out,
            "early [1, 2, 96], the FIR beside the network: the first 2.0 ms play as the network alone has them; "
            "output_sos for D, which stays [1, 2]: the direct sound is not equalised, only that of the lines");
  EXPECT_NE(load_text(both.text).model->network.provenance.find("early [1, 2, 96]"), std::string::npos);
  std::fill(w.D.begin(), w.D.end(), 0.0f);
  const PyfdnText early = make_pyfdn(w);
  EXPECT_EQ(early.left_out.find("output_sos"), std::string::npos);
  // Its first sample is a direct path; the rest is what is missing.
  DelayNetworkWeights rest = w;
  for (std::size_t row = 0; row < 2; ++row)
    std::fill(rest.early.begin() + static_cast<std::ptrdiff_t>(row * 96 + 1),
              rest.early.begin() + static_cast<std::ptrdiff_t>((row + 1) * 96), 0.0f);
  const Rows input = testing::noise(2, 1000, 3);
  EXPECT_LT(difference(render(load_text(early.text).model, input, 0), render(make_model(rest).model, input, 0)), 1e-6);
  EXPECT_EQ(make_pyfdn(rest).left_out, "");
  w.A[0] = 2;
  EXPECT_NE(make_pyfdn(w).error.find("not stable"), std::string::npos);
}

TEST(RuntimePyfdn, LoopsThatKeepTheirEnergyArePlayedAsSuch) {
  PyfdnBuild build = full_build();
  build.post_delay = build.post_matrix = {};
  for (double& a : build.A) a /= 0.95;
  const LoadResult loaded = load_text(format_pyfdn(build));
  ASSERT_EQ(loaded.error, "");
  EXPECT_TRUE(loaded.model->network.lossless);
  const SerializedWeights file = serialize_weights(loaded.model->network);
  ASSERT_EQ(file.error, "");
  const LoadResult again = load_model(file.bytes);
  ASSERT_EQ(again.error, "");
  EXPECT_TRUE(again.model->network.lossless);
  DelayNetworkWeights unmarked = loaded.model->network;
  unmarked.lossless = false;
  EXPECT_NE(make_model(unmarked).error.find("not stable"), std::string::npos);
  EXPECT_NE(serialize_weights(unmarked, {{"lossless", "true"}}).error, "");
  for (double& a : build.A) a *= 1.0001;
  EXPECT_EQ(
      load_text(format_pyfdn(build)).error.rfind("feedback_matrix with its filters: the network is not stable", 0), 0u);
}

/// Lines with a filter each; the first takes the input.
DelayNetworkWeights filtered_lines(std::vector<float> a, std::vector<std::int32_t> delays) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.lines = static_cast<int>(delays.size()), w.inputs = 1, w.outputs = 1, w.line_sections = 1;
  w.A = std::move(a), w.delays = std::move(delays), w.D = {0.3f};
  w.B.assign(w.delays.size(), 0.0f), w.C = w.B;
  w.B[0] = 1;
  for (std::size_t j = 0; j < w.delays.size(); ++j)
    testing::add_peak(w.line_sos, 500 * (1 + static_cast<double>(j)), 1, -2 - static_cast<double>(j), 48000);
  return w;
}

/// Exports, reads again and compares; gives back how many lines the build has.
int lines_of_build(const DelayNetworkWeights& w) {
  const PyfdnText build = make_pyfdn(w);
  EXPECT_EQ(build.error, "");
  if (!build.error.empty()) return -1;
  const LoadResult again = load_text(build.text);
  EXPECT_EQ(again.error, "");
  const Rows input = testing::noise(w.inputs, 6000, 3);
  EXPECT_LT(difference(render(again.model, input, 0), render(make_model(w).model, input, 0)), 2e-6);
  for (const std::int32_t delay : again.model->network.delays) EXPECT_GE(delay, 1);
  return again.model->network.lines;
}

TEST(RuntimePyfdn, FilterLinesAreGivenToLinesWithADelay) {
  // In a comb's feedback: behind it.
  DelayNetworkWeights comb = filtered_lines({0, 0.8f, 1, 0}, {100, 0});
  comb.C = {1, 0};
  EXPECT_EQ(lines_of_build(comb), 2);
  // Heard behind the filter alone: the comb's delay takes it on.
  comb.C = {0, 1};
  EXPECT_EQ(lines_of_build(comb), 1);
  // Between the input and one line that takes nothing else: it becomes part of that line.
  DelayNetworkWeights tone = filtered_lines({0, 0, 0.7f, 0}, {0, 50});
  tone.C = {0, 1};
  EXPECT_EQ(lines_of_build(tone), 1);
  // Between the input and two combs, one filter after another, and a filter of all before the output.
  DelayNetworkWeights all = filtered_lines(
      {0, 0, 0, 0, 0, 0.5f, 0, 0, 0, 0, 0, 1, 0.8f, 0, 0, 0, 1, 0, 0.7f, 0, 0, 0, 1, -1, 0}, {0, 0, 60, 85, 0});
  all.C = {0, 0, 0, 0, 1};
  EXPECT_EQ(lines_of_build(all), 8);
  // What only multiplies goes into the matrices, even from the input to the output.
  DelayNetworkWeights gain = filtered_lines({0, 0, 0.5f, 0.6f}, {0, 40});
  gain.line_sos = {0.5, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  gain.C = {0.25f, 1};
  EXPECT_EQ(lines_of_build(gain), 1);
  EXPECT_GT(lines_of_build(bench::dattorro()), 0);
}

TEST(RuntimePyfdn, FilterLinesAnywhereKeepTheirPlaceOrAreRefused) {
  int written = 0, refused = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DelayNetworkWeights w = testing::random_structure(9, seed);
    const std::string error = make_pyfdn(w).error;
    if (error.empty()) {
      ++written;
      lines_of_build(w);
      continue;
    }
    ++refused;
    EXPECT_NE(error.find("is a filter without a delay on the input's way to the output"), std::string::npos) << error;
  }
  EXPECT_GT(written, 10);
  EXPECT_GT(refused, 3);
}

TEST(RuntimePyfdn, AFilterOfTheDirectSoundIsRefusedWithItsLine) {
  DelayNetworkWeights w = filtered_lines({0.5f, 0, 0, 0}, {70, 0});
  w.B = {1, 1}, w.C = {1, 1};
  EXPECT_EQ(make_pyfdn(w).error,
            "line 1 is a filter without a delay on the input's way to the output, where a build of pyFDN has delays or "
            "gains only");
}

}  // namespace
}  // namespace diffverb::runtime
