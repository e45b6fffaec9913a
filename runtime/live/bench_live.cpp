// What a live reverb costs beside the engine by itself, how soon a control is heard, and its worst block while voices change.
// bench_live [MODEL]: a model that has x, y, z, such as experiments/autoencoder/weights/autoencoder.safetensors
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include "runtime/bench_networks.h"
#include "runtime/engine.h"
#include "runtime/live/live_reverb.h"
#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

constexpr double kRateHz = 48000;

/// CPU time of this thread.
double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// A second of noise at a time, by blocks; play(in, out, frames).
class Player {
 public:
  Player() {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.1f);
    for (auto& channel : in_) {
      channel.resize(static_cast<std::size_t>(kRateHz));
      for (float& x : channel) x = normal(random);
    }
    for (auto& channel : out_) channel.resize(static_cast<std::size_t>(kRateHz));
  }
  template <typename Play>
  void block(std::size_t at, int frames, Play play) {
    const float* from[] = {in_[0].data() + at, in_[1].data() + at};
    float* to[] = {out_[0].data() + at, out_[1].data() + at};
    play(from, to, frames);
  }
  template <typename Play>
  double seconds_for_a_minute(int frames, Play play) {
    const double begin = cpu_s();
    for (int second = 0; second < 60; ++second) {
      for (std::size_t at = 0; at + static_cast<std::size_t>(frames) <= in_[0].size();
           at += static_cast<std::size_t>(frames))
        block(at, frames, play);
    }
    return cpu_s() - begin;
  }
  const std::vector<float>& left() const { return out_[0]; }

 private:
  std::vector<float> in_[2], out_[2];
};

void compare_costs(const char* name, const std::shared_ptr<const Model>& model) {
  Player player;
  for (const int frames : {16, 64, 256}) {
    Engine engine;
    if (!engine.prepare(model, kRateHz).empty()) return;
    const auto alone = [&](const float* const* in, float* const* out, int count) { engine.process(in, out, count); };
    LiveReverb live;
    if (!live.load(make_network_source(model, name).source).empty() || !live.prepare(kRateHz, 2, 2).empty()) return;
    const auto play = [&](const float* const* in, float* const* out, int count) { live.process(in, out, count); };
    const double engine_s = player.seconds_for_a_minute(frames, alone),
                 live_s = player.seconds_for_a_minute(frames, play);
    std::printf("%s, block %d: engine %.3f s, live %.3f s a minute of stereo\n", name, frames, engine_s, live_s);
  }
}

/// From set() to the first block that differs from what a second reverb plays that was left alone.
void measure_answer(const std::shared_ptr<const Source>& source) {
  LiveReverb moved, still;
  for (LiveReverb* reverb : {&moved, &still}) {
    if (!reverb->load(source).empty() || !reverb->prepare(kRateHz, 2, 2).empty()) return;
  }
  std::vector<double> times_ms;
  Player player, other;
  std::size_t at = 0;
  constexpr int kFrames = 64;
  using Clock = std::chrono::steady_clock;
  for (int round = 0; round < 10; ++round) {
    still.settle();
    const auto begin = Clock::now();
    moved.set(Control::kX, 1 + round % 8);
    for (int block = 0;; ++block) {
      std::this_thread::sleep_until(begin + std::chrono::microseconds(1333) * block);
      at = at + 2 * kFrames < static_cast<std::size_t>(kRateHz) ? at + kFrames : 0;
      player.block(at, kFrames, [&](auto in, auto out, int count) { moved.process(in, out, count); });
      other.block(at, kFrames, [&](auto in, auto out, int count) { still.process(in, out, count); });
      if (std::abs(player.left()[at + kFrames - 1] - other.left()[at + kFrames - 1]) > 1e-6f || block > 2000) break;
    }
    times_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    still.set(Control::kX, 1 + round % 8);
    still.settle();
    // Both the same again before the next round.
    for (LiveReverb* reverb : {&moved, &still}) {
      reverb->settle();
      (void)reverb->prepare(kRateHz, 2, 2);
    }
  }
  std::sort(times_ms.begin(), times_ms.end());
  std::printf("%s: set(x) is heard after %.0f ms (median), %.0f ms at most\n", source->kind(), times_ms[5],
              times_ms[9]);
}

/// Blocks in real time while x moves all the time.
void measure_worst_block(const std::shared_ptr<const Source>& source, int frames, bool moves) {
  LiveReverb live;
  if (!live.load(source).empty() || !live.prepare(kRateHz, 2, 2).empty()) return;
  Player player;
  std::vector<double> times;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const double period_s = frames / kRateHz;
  for (int block = 0; block * period_s < 8; ++block) {
    if (moves) live.set(Control::kX, 4.5 + 4.5 * std::sin(1e-3 * block * frames / 48));
    if (block % (4096 / frames) == 0)
      std::this_thread::sleep_until(begin + std::chrono::duration<double>(block * period_s));
    const auto at = static_cast<std::size_t>(block) * static_cast<std::size_t>(frames) % 47616;
    const double before = cpu_s();
    player.block(at, frames, [&](auto in, auto out, int count) { live.process(in, out, count); });
    times.push_back(cpu_s() - before);
  }
  std::sort(times.begin(), times.end());
  const auto share = [&](double place) {
    return 100 * times[static_cast<std::size_t>(place * static_cast<double>(times.size() - 1))] / period_s;
  };
  std::printf("%s, block %d, %s: median %.1f %%, 99.9 %% of blocks below %.1f %%, worst %.1f %% of the period\n",
              source->kind(), frames, moves ? "x moving" : "at rest", share(0.5), share(0.999), share(1));
}

}  // namespace
}  // namespace diffverb::runtime

int main(int argc, char** argv) {
  using namespace diffverb::runtime;
  compare_costs("Freeverb", make_model(bench::freeverb()).model);
  compare_costs("Dattorro", make_model(bench::dattorro()).model);
  if (argc < 2) return 0;
  const SourceResult loaded = load_source(std::filesystem::path(argv[1]));
  if (!loaded) return std::fprintf(stderr, "bench_live: error: %s: %s\n", argv[1], loaded.error.c_str()), 2;
  measure_answer(loaded.source);
  for (const int frames : {16, 64}) {
    for (const bool moves : {false, true}) measure_worst_block(loaded.source, frames, moves);
  }
}
