#include "core/spectral/griffin_lim.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/istft.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/real.h>
#include <ATen/ops/sgn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>

#include "core/error.h"
#include "core/spectral/istft.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

at::Generator generator(std::uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

/// Decaying noise: what a room's response looks like.
at::Tensor rooms(std::int64_t rows, std::int64_t samples, at::ScalarType type = at::kFloat) {
  const auto decay = (at::arange(samples, at::kDouble) * (-3.0 / static_cast<double>(samples))).exp();
  return (at::randn({rows, samples}, generator(3), at::kDouble) * decay).to(type);
}

/// Magnitudes of no signal: those of rooms with every bin's level moved.
at::Tensor inconsistent(std::int64_t rows, std::int64_t fft_size, std::int64_t hop, std::int64_t frames) {
  const auto m = stft(rooms(rows, hop * (frames - 1)), fft_size, hop, Padding::kReflect).abs();
  return (m * (0.3 * at::randn(m.sizes(), generator(4))).exp()).contiguous();
}

GriffinLimOptions options_for(std::int64_t fft_size, std::int64_t hop, std::int64_t iterations) {
  GriffinLimOptions o;
  o.fft_size = fft_size, o.hop_size = hop, o.iterations = iterations, o.seed = 5;
  return o;
}

double relative(const at::Tensor& a, const at::Tensor& b) { return ((a - b).norm() / b.norm()).item<double>(); }

TEST(Istft, GivesTheSignalOfItsTransformBack) {
  for (const std::int64_t hop : {8, 11, 16}) {
    const std::int64_t samples = 3 * hop * 10;
    const auto x = rooms(2, samples + 3, at::kDouble).reshape({2, 1, -1});
    const auto spectrum = stft(x, 32, hop, Padding::kZero);
    const auto back = istft(spectrum, 32, hop, samples + 3);
    ASSERT_EQ(back.sizes(), x.sizes());
    EXPECT_LT(relative(back, x), 1e-12) << "hop " << hop;
    EXPECT_LT(relative(istft(spectrum, 32, hop), x.narrow(2, 0, samples)), 1e-12);
  }
}

TEST(Istft, IsTorchsWhereBothExist) {
  const auto spectrum =
      at::complex(at::randn({2, 33, 20}, generator(1), at::kDouble), at::randn({2, 33, 20}, generator(2), at::kDouble));
  const auto window = at::hann_window(64, at::kDouble);
  EXPECT_LT(relative(istft(spectrum, 64, 16), at::istft(spectrum, 64, 16, 64, window)), 1e-12);
  EXPECT_LT(
      relative(istft(spectrum, 64, 16, 310), at::istft(spectrum, 64, 16, 64, window, true, false, std::nullopt, 310)),
      1e-12);
}

TEST(Istft, RefusesLengthsThatTheFramesDoNotMake) {
  const auto spectrum = at::zeros({33, 20}, at::kComplexDouble);
  EXPECT_THROW(istft(spectrum, 64, 16, 303), ContractError);
  EXPECT_THROW(istft(spectrum, 64, 16, 320), ContractError);
  EXPECT_THROW(istft(spectrum, 32, 16), ContractError);
  EXPECT_THROW(istft(spectrum, 64, 33), ContractError);
  EXPECT_THROW(istft(at::real(spectrum), 64, 16), ContractError);
}

TEST(GriffinLim, LeavesASignalThatHasItsMagnitudesAsItIs) {
  for (const auto method : {PhaseMethod::kGriffinLim, PhaseMethod::kAveragedReflections}) {
    for (const bool kernel : {true, false}) {
      const auto x = rooms(2, 256 * 39);
      const auto spectrum = stft(x, 1024, 256, Padding::kReflect);
      auto options = options_for(1024, 256, 10);
      options.method = method, options.kernel = kernel, options.start = at::sgn(spectrum);
      const auto result = griffin_lim(spectrum.abs(), options);
      EXPECT_LT(relative(result.signal, x), 1e-4) << kernel;
      EXPECT_LT(result.convergence[0], 1e-4) << kernel;
    }
  }
}

TEST(GriffinLim, WithoutMomentumNeverGetsWorse) {
  const auto m = inconsistent(2, 512, 128, 40);
  std::vector<double> before(2, 2.0);
  for (std::int64_t n = 0; n <= 20; ++n) {
    auto options = options_for(512, 128, n);
    options.momentum = 0;
    const auto result = griffin_lim(m, options);
    for (std::size_t row = 0; row < 2; ++row) {
      EXPECT_LE(result.convergence[row], before[row] + 1e-6) << "iteration " << n;
      before[row] = result.convergence[row];
    }
  }
  EXPECT_LT(before[0], 0.5);
}

TEST(GriffinLim, StatesTheConvergenceThatItsSignalHas) {
  const auto m = inconsistent(3, 1024, 256, 33);
  for (const auto method : {PhaseMethod::kGriffinLim, PhaseMethod::kAveragedReflections}) {
    for (const bool kernel : {true, false}) {
      auto options = options_for(1024, 256, 15);
      options.method = method, options.kernel = kernel;
      const auto result = griffin_lim(m, options);
      const auto measured = spectral_convergence(result.signal, m, 1024, 256, Padding::kReflect);
      for (int row = 0; row < 3; ++row)
        EXPECT_NEAR(result.convergence[static_cast<std::size_t>(row)], measured[row].item<double>(), 1e-5);
    }
  }
}

TEST(GriffinLim, GivesTheSameByKernelAndByTensors) {
  struct Size {
    std::int64_t fft, hop, frames, samples;
  };
  // A batch of frames that is full, one that is not, lengths that are no whole number of hops, every size of a kernel.
  for (const Size s : {Size{1024, 256, 128, 127 * 256}, Size{1024, 256, 37, 36 * 256 + 100}, Size{512, 64, 50, 49 * 64},
                       Size{2048, 1024, 9, 8 * 1024 + 500}, Size{1024, 512, 5, 4 * 512}}) {
    const auto m = inconsistent(2, s.fft, s.hop, s.frames);
    for (const auto method : {PhaseMethod::kGriffinLim, PhaseMethod::kAveragedReflections}) {
      for (const auto padding : {Padding::kReflect, Padding::kZero}) {
        auto options = options_for(s.fft, s.hop, 3);
        options.method = method, options.padding = padding, options.samples = s.samples;
        const auto fast = griffin_lim(m, options);
        options.kernel = false;
        const auto plain = griffin_lim(m, options);
        ASSERT_EQ(fast.signal.sizes(), (at::IntArrayRef{2, s.samples}));
        EXPECT_LT(relative(fast.signal, plain.signal), 5e-5) << s.fft << "/" << s.hop;
        EXPECT_NEAR(fast.convergence[1], plain.convergence[1], 1e-5);
      }
    }
  }
}

TEST(GriffinLim, GivesTheSameWithEveryInstructionSet) {
  const auto m = inconsistent(1, 1024, 256, 37);
  auto options = options_for(1024, 256, 6);
  options.method = PhaseMethod::kAveragedReflections;
  const auto best = griffin_lim(m, options).signal;
  std::int64_t targets = hwy::SupportedTargets();
  for (bool last = false; !last;) {
    last = targets == 0;  // no target: the scalar fallback
    hwy::GetChosenTarget().Update(targets & -targets);
    EXPECT_LT(relative(griffin_lim(m, options).signal, best), 1e-3) << hwy::TargetName(targets & -targets);
    targets &= targets - 1;
  }
  hwy::GetChosenTarget().DeInit();
}

TEST(GriffinLim, IsTheSameForAnyNumberOfThreadsAndAnyCutOfTheBatch) {
  const auto m = inconsistent(5, 512, 128, 40);
  auto options = options_for(512, 128, 12);
  const auto whole = griffin_lim(m, options).signal;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  EXPECT_TRUE(at::equal(griffin_lim(m, options).signal, whole));
  at::set_num_threads(3);
  EXPECT_TRUE(at::equal(griffin_lim(m, options).signal, whole));
  at::set_num_threads(threads);
  options.first_row = 2;
  EXPECT_TRUE(at::equal(griffin_lim(m.narrow(0, 2, 3), options).signal, whole.narrow(0, 2, 3)));
  options.seed = 6;
  EXPECT_FALSE(at::equal(griffin_lim(m.narrow(0, 2, 3), options).signal, whole.narrow(0, 2, 3)));
}

TEST(GriffinLim, StopsAtTheTargetOrWhenItImprovesLittle) {
  const auto m = inconsistent(3, 512, 128, 40);
  for (const auto method : {PhaseMethod::kGriffinLim, PhaseMethod::kAveragedReflections}) {
    auto options = options_for(512, 128, 60);
    options.method = method, options.check_every = 5;
    const auto all = griffin_lim(m, options);
    EXPECT_EQ(all.iterations, (std::vector<std::int64_t>{60, 60, 60}));
    options.target = 1.02 * std::max({all.convergence[0], all.convergence[1], all.convergence[2]});
    const auto fast = griffin_lim(m, options);
    options.kernel = false;
    const auto plain = griffin_lim(m, options);
    for (std::size_t row = 0; row < 3; ++row) {
      EXPECT_LE(fast.convergence[row], options.target);
      EXPECT_LT(fast.iterations[row], 60);
      EXPECT_EQ(fast.iterations[row] % 5, 0);
      EXPECT_NEAR(static_cast<double>(fast.iterations[row]), static_cast<double>(plain.iterations[row]), 5);
    }
    // Never that much in one iteration: the second look ends it, or the first after the reflections.
    options.target = 0, options.tolerance = 1;
    const std::int64_t end = method == PhaseMethod::kGriffinLim ? 10 : 50;
    for (const bool kernel : {true, false}) {
      options.kernel = kernel;
      EXPECT_EQ(griffin_lim(m, options).iterations, (std::vector<std::int64_t>(3, end)));
    }
  }
}

TEST(GriffinLim, LooksDoNotChangeWhatFollows) {
  const auto m = inconsistent(1, 512, 128, 40);
  for (const auto method : {PhaseMethod::kGriffinLim, PhaseMethod::kAveragedReflections}) {
    auto options = options_for(512, 128, 10);
    options.method = method;
    const auto without = griffin_lim(m, options);
    options.check_every = 2, options.target = 1e-9;
    EXPECT_LT(relative(griffin_lim(m, options).signal, without.signal), 1e-3);
  }
}

TEST(GriffinLim, AveragedReflectionsComeNearerInATenthOfTheIterations) {
  const auto m = inconsistent(2, 1024, 256, 64);
  auto options = options_for(1024, 256, 1000);
  const auto plain = griffin_lim(m, options);
  options.iterations = 100;
  options.method = PhaseMethod::kAveragedReflections;
  const auto averaged = griffin_lim(m, options);
  for (std::size_t row = 0; row < 2; ++row) EXPECT_LT(averaged.convergence[row], plain.convergence[row]);
}

TEST(GriffinLim, OfSilenceIsSilence) {
  for (const bool kernel : {true, false}) {
    auto options = options_for(512, 128, 5);
    options.kernel = kernel;
    auto m = inconsistent(2, 512, 128, 20);
    m[0].zero_();
    const auto result = griffin_lim(m, options);
    EXPECT_EQ(result.signal[0].abs().max().item<double>(), 0);
    EXPECT_EQ(result.convergence[0], 0);
    EXPECT_GT(result.signal[1].abs().max().item<double>(), 0);
  }
}

TEST(GriffinLim, FollowsTheLevelOfTheMagnitudes) {
  const auto m = inconsistent(1, 512, 128, 20);
  const auto options = options_for(512, 128, 5);
  const auto signal = griffin_lim(m, options).signal;
  EXPECT_LT(relative(griffin_lim(m * 1e-20, options).signal * 1e10, signal * 1e-10), 1e-5);
  EXPECT_LT(relative(griffin_lim(m * 1e20, options).signal * 1e-20, signal), 1e-5);
}

TEST(GriffinLim, RefusesWhatItCannotUse) {
  const auto options = options_for(512, 128, 1);
  auto m = inconsistent(2, 512, 128, 20);
  EXPECT_THROW(griffin_lim(m[0], options), ContractError);
  EXPECT_THROW(griffin_lim(m.narrow(1, 0, 256), options), ContractError);
  auto changed = options;
  changed.hop_size = 300;
  EXPECT_THROW(griffin_lim(m, changed), ContractError);
  changed = options;
  changed.samples = 19 * 128 - 1;
  EXPECT_THROW(griffin_lim(m, changed), ContractError);
  changed = options;
  changed.start = at::zeros({2, 257, 19}, at::kComplexFloat);
  EXPECT_THROW(griffin_lim(m, changed), ContractError);
  m[1][7][9] = std::nanf("");
  try {
    griffin_lim(m, options);
    FAIL() << "a magnitude that is no number was taken";
  } catch (const ContractError& error) {
    EXPECT_NE(std::string(error.what()).find("[1, 7, 9]"), std::string::npos) << error.what();
  }
  m[1][7][9] = -1;
  EXPECT_THROW(griffin_lim(m, options), ContractError);
}

}  // namespace
}  // namespace diffverb
