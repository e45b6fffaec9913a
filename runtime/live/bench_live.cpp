// What a live reverb costs beside the engine by itself, what the worker needs for a voice at a host's rate and for changes of
// a measured response, how soon a control is heard, and the worst block while voices change.
// bench_live [MODEL]: a model that has x, y, z, such as experiments/autoencoder/weights/autoencoder.safetensors
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/bench_networks.h"
#include "runtime/engine.h"
#include "runtime/live/live_reverb.h"
#include "runtime/live/sources.h"
#include "runtime/variation.h"

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

constexpr double kHostRates[] = {8000, 44100, 48000, 88200, 96000, 192000, 384000};

/// The least CPU time of some runs, in ms: other programs share the machine.
template <typename Work>
double least_ms(int runs, Work work) {
  double least_s = 1e9;
  for (int run = 0; run < runs; ++run) {
    const double begin = cpu_s();
    work();
    least_s = std::min(least_s, cpu_s() - begin);
  }
  return 1e3 * least_s;
}

/// CPU time of the worker for a voice: of one point, with another decay time, and of the corner that takes longest.
void measure_voices(const Source& source) {
  for (const double rate_hz : kHostRates) {
    Setting setting;
    setting.rate_hz = rate_hz;
    setting.point = {3, 4, 5};
    setting.width = 1;
    const auto make = [&] { (void)source.make_voice(setting); };
    if (!source.make_voice(setting).voice) return;
    const double plain_ms = least_ms(5, make);
    setting.variation.decay = 1.5;
    const double decay_ms = least_ms(5, make);
    setting.variation.decay = 1;
    double slowest_ms = 0;
    for (int corner = 0; corner < 8; ++corner) {
      for (std::size_t axis = 0; axis < 3; ++axis) setting.point[axis] = corner >> axis & 1 ? 9 : 0;
      slowest_ms = std::max(slowest_ms, least_ms(3, make));
    }
    std::printf("%s: a voice at %.0f Hz: %.0f ms, decay x 1.5: %.0f ms, the slowest corner: %.0f ms\n", source.kind(),
                rate_hz, plain_ms, decay_ms, slowest_ms);
  }
}

/// CPU time for a stereo response of 48 kHz at a host's rate and its changes, the least of three; the first ones take it
/// apart.
void measure_response(double seconds) {
  std::mt19937 random(1);
  std::vector<std::vector<float>> rows(2, std::vector<float>(static_cast<std::size_t>(seconds * kRateHz)));
  for (auto& row : rows) {
    for (std::size_t n = 0; n < row.size(); ++n) {
      const double time = static_cast<double>(n) / kRateHz, noise = static_cast<double>(random()) / 4294967296.0 - 0.5;
      row[n] = static_cast<float>(noise * (std::exp(-6.9 * 4 * time / seconds) + 1e-5));
    }
  }
  const std::pair<const char*, Variation> changes[] = {{"as it is", {}},
                                                       {"first size", {.size = 1.2}},
                                                       {"another size", {.size = 1.3}},
                                                       {"first decay", {.decay = 1.5}},
                                                       {"another decay", {.decay = 0.7}}};
  for (const double rate_hz : kHostRates) {
    double least[std::size(changes)];
    std::fill(std::begin(least), std::end(least), 1e9);
    for (int run = 0; run < 3; ++run) {
      const VariedResponses varied(rows, kRateHz, rate_hz);
      for (std::size_t i = 0; i < std::size(changes); ++i)
        least[i] = std::min(least[i], least_ms(1, [&] { (void)varied.at(changes[i].second); }));
    }
    std::printf("response of %.0f s at %.0f Hz:", seconds, rate_hz);
    for (std::size_t i = 0; i < std::size(changes); ++i) std::printf(" %s %.0f ms", changes[i].first, least[i]);
    std::printf("\n");
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
  for (const double seconds : {3.0, 20.0}) measure_response(seconds);
  if (argc < 2) return 0;
  const SourceResult loaded = load_source(std::filesystem::path(argv[1]));
  if (!loaded) return std::fprintf(stderr, "bench_live: error: %s: %s\n", argv[1], loaded.error.c_str()), 2;
  measure_voices(*loaded.source);
  measure_answer(loaded.source);
  for (const int frames : {16, 64}) {
    for (const bool moves : {false, true}) measure_worst_block(loaded.source, frames, moves);
  }
}
