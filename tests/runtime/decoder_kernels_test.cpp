// What the decoders' inner loops compute, against sums in double precision.
#include "runtime/decoder_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "networks.h"
#include "played.h"
#include "runtime/low_end.h"

namespace diffverb::runtime {
namespace {

TEST(DecoderKernels, NoiseUnderAnEnvelope) {
  const auto noise = testing::noise(3, 800, 1);
  testing::for_each_instruction_set([&] {
    for (const int frames : {1, 15, 16, 17, 48, 768}) {
      for (const float own : {0.0f, 0.6f}) {
        ShapedNoise shaped{noise[0].data(), noise[1].data(), std::sqrt(1 - own * own), own, 0.3, 0.991};
        std::vector<float> out = noise[2];
        add_shaped_noise(shaped, out.data(), frames);
        for (std::size_t t = 0; t < out.size(); ++t) {
          double wanted = noise[2][t];
          if (t < static_cast<std::size_t>(frames))
            wanted += 0.3 * std::pow(0.991, static_cast<double>(t)) * (shaped.same * noise[0][t] + own * noise[1][t]);
          ASSERT_NEAR(out[t], wanted, 1e-5) << frames << " at " << t << ", " << Engine::target();
        }
      }
    }
  });
}

TEST(DecoderKernels, SumsOfRows) {
  constexpr int kCount = 11, kRows = 7, kFrames = 101;
  const auto in = testing::noise(kCount, kFrames + kRowPad, 2);
  const auto weights = testing::noise(1, kRows * kCount, 3)[0];
  std::vector<const float*> rows;
  for (const auto& row : in) rows.push_back(row.data());
  testing::for_each_instruction_set([&] {
    constexpr std::size_t kStride = kFrames + kRowPad;
    std::vector<float> out(kRows * kStride, 0.5f);
    add_products(weights.data(), kCount, rows.data(), kRows, out.data(), kStride, kFrames);
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t t = 0; t < kFrames; ++t) {
        double wanted = 0.5;
        for (std::size_t c = 0; c < kCount; ++c) wanted += static_cast<double>(weights[r * kCount + c]) * in[c][t];
        ASSERT_NEAR(out[r * kStride + t], wanted, 1e-5) << r << " at " << t << ", " << Engine::target();
      }
    }
  });
}

TEST(DecoderKernels, GatesOfAnySize) {
  std::vector<float> a, b;
  for (int k = -240; k < 240; ++k) a.push_back(0.5f * static_cast<float>(k)), b.push_back(0.7f * a.back() - 0.1f);
  testing::for_each_instruction_set([&] {
    std::vector<float> out(a.size());
    gate(a.data(), b.data(), out.data(), static_cast<int>(a.size()));
    for (std::size_t t = 0; t < a.size(); ++t)
      ASSERT_NEAR(out[t], std::tanh(static_cast<double>(a[t])) / (1 + std::exp(-static_cast<double>(b[t]))), 1e-6)
          << a[t] << ", " << Engine::target();
  });
}

TEST(HighPass, TakesOutWhatLiesBelowEachCorner) {
  constexpr double kRate = 16000;
  constexpr std::size_t kFrames = 16000;
  const std::vector<double> corners{50, 100, 200, 400, 800, 1600};
  for (const double tone_hz : {100.0, 400.0, 3200.0}) {
    std::vector<float> sounds(corners.size() * kFrames);
    for (std::size_t n = 0; n < sounds.size(); ++n)
      sounds[n] =
          static_cast<float>(std::sin(2 * std::numbers::pi * tone_hz * static_cast<double>(n % kFrames) / kRate));
    HighPass filters(corners, kRate);
    for (std::size_t done = 0; done < kFrames; done += 500)  // it goes on where it was
      filters.run(sounds.data() + done, kFrames, 500);
    for (std::size_t row = 0; row < corners.size(); ++row) {
      double power = 0;
      for (std::size_t n = kFrames / 2; n < kFrames; ++n) power += std::pow(sounds[row * kFrames + n], 2);
      // The bilinear transform's tangents; Butterworth of fourth order.
      const double ratio =
          std::tan(std::numbers::pi * corners[row] / kRate) / std::tan(std::numbers::pi * tone_hz / kRate);
      EXPECT_NEAR(power / (kFrames / 4), 1 / (1 + std::pow(ratio, 8)), 2e-3) << tone_hz << " Hz, " << corners[row];
    }
  }
}

}  // namespace
}  // namespace diffverb::runtime
