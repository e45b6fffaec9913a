#include <algorithm>

#include "tests/plugin/hosted_plugin.h"

namespace diffverb::hosts {

std::vector<std::vector<float>> play(HostedPlugin& plugin, const std::vector<std::vector<float>>& in, int block) {
  const int frames = static_cast<int>(in[0].size());
  std::vector<std::vector<float>> out(2, std::vector<float>(in[0].size()));
  for (int at = 0; at < frames; at += block) {
    const float* from[2] = {in.front().data() + at, in.back().data() + at};
    float* to[2] = {out[0].data() + at, out[1].data() + at};
    plugin.process(from, to, std::min(block, frames - at));
  }
  return out;
}

}  // namespace diffverb::hosts
