#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <random>

#include "tests/plugin/hosted_plugin.h"

namespace diffverb::hosts {

/// A plug-in in a format, as the build made it.
struct Format {
  const char* name;  ///< "Clap", "Vst3", "Lv2", and with "Mono" after it
  std::unique_ptr<HostedPlugin> (*open)(const std::string&);
  const char* file;
};

inline void PrintTo(const Format& format, std::ostream* out) { *out << format.name; }

/// Those whose states are streams of bytes.
inline std::vector<Format> stream_formats() {
  return {{"Clap", open_clap, DIFFVERB_PLUGIN_DIR "/clap/diffverb-reverb.clap"},
          {"ClapMono", open_clap, DIFFVERB_PLUGIN_DIR "/clap/diffverb-reverb-mono.clap"},
          {"Vst3", open_vst3, DIFFVERB_VST3_FILE},
          {"Vst3Mono", open_vst3, DIFFVERB_VST3_MONO_FILE}};
}

inline std::vector<Format> formats() {
  std::vector<Format> all = stream_formats();
#ifdef DIFFVERB_LILV
  all.push_back({"Lv2", open_lv2, DIFFVERB_PLUGIN_DIR "/diffverb-reverb.lv2"});
  all.push_back({"Lv2Mono", open_lv2, DIFFVERB_PLUGIN_DIR "/diffverb-reverb-mono.lv2"});
#endif
  return all;
}

/// A test that runs over each of them.
class InFormat : public testing::TestWithParam<Format> {
 protected:
  static std::unique_ptr<HostedPlugin> open() { return GetParam().open(GetParam().file); }
  static bool is_lv2() { return std::string(GetParam().name).starts_with("Lv2"); }
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

#define DIFFVERB_IN_FORMATS(suite, list)   \
  INSTANTIATE_TEST_SUITE_P(                \
      All, suite, testing::ValuesIn(list), \
      [](const testing::TestParamInfo<::diffverb::hosts::Format>& info) { return info.param.name; })
#define DIFFVERB_IN_ALL_FORMATS(suite) DIFFVERB_IN_FORMATS(suite, ::diffverb::hosts::formats())
