#include "runtime/render.h"

#include <algorithm>
#include <cmath>

#include "runtime/engine.h"

namespace diffverb::runtime {
namespace {

std::vector<std::vector<float>> play(const std::shared_ptr<const Model>& model,
                                     const std::vector<std::vector<float>>& input, int block) {
  Engine engine;
  if (!model || !engine.prepare(model, model->sample_rate_hz()).empty()) return {};
  const std::size_t frames = input[0].size();
  std::vector<std::vector<float>> output(model->outputs(), std::vector<float>(frames));
  std::vector<const float*> in(input.size());
  std::vector<float*> out(output.size());
  for (std::size_t done = 0; done < frames;) {
    const auto length = static_cast<int>(std::min<std::size_t>(block, frames - done));
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = input[i].data() + done;
    for (std::size_t o = 0; o < out.size(); ++o) out[o] = output[o].data() + done;
    engine.process(in.data(), out.data(), length);
    done += length;
  }
  return output;
}

}  // namespace

std::vector<std::vector<float>> render(const std::shared_ptr<const Model>& model,
                                       const std::vector<std::vector<float>>& channels, double tail_s, int block) {
  if (!model || channels.empty()) return {};
  const std::size_t frames =
      channels[0].size() + static_cast<std::size_t>(std::llround(tail_s * model->sample_rate_hz()));
  std::vector<std::vector<float>> input(model->inputs(), std::vector<float>(frames, 0.0f));
  if (model->inputs() == 1) {
    for (const auto& channel : channels) {
      for (std::size_t n = 0; n < channel.size(); ++n) input[0][n] += channel[n] / static_cast<float>(channels.size());
    }
  } else {
    for (int i = 0; i < model->inputs(); ++i) {
      const auto& from = channels[std::min<std::size_t>(i, channels.size() - 1)];
      std::copy(from.begin(), from.end(), input[i].begin());
    }
  }
  return play(model, input, block);
}

std::vector<std::vector<float>> render_impulse(const std::shared_ptr<const Model>& model, double seconds, int block) {
  if (!model) return {};
  const auto frames = static_cast<std::size_t>(std::max<long long>(1, std::llround(seconds * model->sample_rate_hz())));
  std::vector<std::vector<float>> input(model->inputs(), std::vector<float>(frames, 0.0f));
  for (auto& channel : input) channel[0] = 1;
  return play(model, input, block);
}

}  // namespace diffverb::runtime
