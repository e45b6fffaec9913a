#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <random>

#include "tests/plugin/hosted_plugin.h"

namespace diffverb::hosts {

/// A plug-in in a format, as the build made it.
struct Format {
  const char* name;  ///< "Clap", "ClapMono", "Lv2", "Lv2Mono"
  std::unique_ptr<HostedPlugin> (*open)(const std::string&);
  const char* file;  ///< below DIFFVERB_PLUGIN_DIR
};

inline void PrintTo(const Format& format, std::ostream* out) { *out << format.name; }

inline std::vector<Format> formats() {
  std::vector<Format> all = {{"Clap", open_clap, "clap/diffverb-reverb.clap"},
                             {"ClapMono", open_clap, "clap/diffverb-reverb-mono.clap"}};
#ifdef DIFFVERB_LILV
  all.push_back({"Lv2", open_lv2, "diffverb-reverb.lv2"});
  all.push_back({"Lv2Mono", open_lv2, "diffverb-reverb-mono.lv2"});
#endif
  return all;
}

/// A test that runs over each of them.
class InFormat : public testing::TestWithParam<Format> {
 protected:
  static std::unique_ptr<HostedPlugin> open() {
    return GetParam().open(std::string(DIFFVERB_PLUGIN_DIR "/") + GetParam().file);
  }
};

inline std::vector<std::vector<float>> noise(int channels, int frames, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> draw(-0.5F, 0.5F);
  std::vector<std::vector<float>> out(static_cast<std::size_t>(channels),
                                      std::vector<float>(static_cast<std::size_t>(frames)));
  for (auto& channel : out) {
    for (float& sample : channel) sample = draw(random);
  }
  return out;
}

inline float peak(const std::vector<std::vector<float>>& channels) {
  float most = 0;
  for (const auto& channel : channels) {
    for (const float sample : channel) {
      if (!std::isfinite(sample)) return INFINITY;
      most = std::max(most, std::abs(sample));
    }
  }
  return most;
}

}  // namespace diffverb::hosts

#define DIFFVERB_IN_ALL_FORMATS(suite)                             \
  INSTANTIATE_TEST_SUITE_P(                                        \
      All, suite, testing::ValuesIn(::diffverb::hosts::formats()), \
      [](const testing::TestParamInfo<::diffverb::hosts::Format>& info) { return info.param.name; })
