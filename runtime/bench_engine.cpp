// Prints how many times faster than real time (of one core) the engine plays, one thread. Run by hand:
//     bench_engine [N] [block] [seconds]     N lines with ten biquads each, two inputs and outputs, 25 biquads an output,
//                                            an early part of 80 ms, 48 kHz
//     bench_engine shelves [block] [seconds]      16 lines with two shelves each, no biquads at the outputs
//     bench_engine freeverb|dattorro|FILE [block] [seconds]      a classical network, or a file's
//     bench_engine moving|turning [block] [seconds]      16 lines as above that move, or whose matrix turns
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "runtime/bench_fdn.h"
#include "runtime/bench_networks.h"
#include "runtime/engine.h"

namespace {

using namespace diffverb::runtime;

constexpr double kRate = 48000;

/// CPU time of this thread: what else runs on the machine does not count.
double now_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// All lines by 8 samples at about 1 Hz.
DelayNetworkWeights moving_network() {
  DelayNetworkWeights w = bench::fdn({});
  for (int j = 0; j < w.lines; ++j) w.delay_motions.push_back({j, 8, 0.6 + 0.05 * j, j / 16.0, 0.3 * j});
  return w;
}

/// All pairs between two dense matrices, all of which moves.
DelayNetworkWeights turning_network() {
  DelayNetworkWeights w = bench::fdn({});
  w.turn_left = w.A;
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 16; ++j) w.turn_right.push_back((i == j ? 1.0f : 0.0f) - 0.125f);
  }
  for (int p = 0; p < 8; ++p) w.turning.push_back({1, 0.01, 0.5 + 0.1 * p, 0, 0, 0.1, 0.3 + 0.1 * p, 0, 0.2});
  for (std::size_t j = 0; j < 16; ++j) {
    for (std::size_t k = 0; k < 16; ++k) {
      w.A[16 * j + k] = 0;
      for (std::size_t i = 0; i < 16; ++i) w.A[16 * j + k] += w.turn_left[16 * j + i] * w.turn_right[16 * i + k];
    }
  }
  return w;
}

LoadResult load(const std::string& what) {
  if (what == "moving") return make_model(moving_network());
  if (what == "turning") return make_model(turning_network());
  if (what == "shelves")
    return make_model(bench::fdn({.attenuation = bench::Attenuation::kTwoShelves, .output_sections = 0}));
  if (what == "freeverb") return make_model(bench::freeverb(kRate));
  if (what == "dattorro") return make_model(bench::dattorro(kRate));
  if (what.find_first_not_of("0123456789") == std::string::npos)
    return make_model(bench::fdn({.lines = std::stoi(what)}));
  return load_model(std::filesystem::path(what));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "16";
  const int block = argc > 2 ? std::atoi(argv[2]) : 256;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 60;
  const LoadResult loaded = load(what);
  if (!loaded) {
    std::fprintf(stderr, "%s\n", loaded.error.c_str());
    return 1;
  }
  Engine engine;
  const double rate_hz = loaded.model->sample_rate_hz();
  if (const std::string error = engine.prepare(loaded.model, rate_hz); !error.empty()) return 1;
  std::vector<float> in(static_cast<std::size_t>(block));
  std::vector<std::vector<float>> sound(static_cast<std::size_t>(engine.outputs()), in);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.1f);
  for (float& x : in) x = normal(random);
  const std::vector<const float*> ins(static_cast<std::size_t>(engine.inputs()), in.data());
  std::vector<float*> outs;
  for (auto& channel : sound) outs.push_back(channel.data());
  const auto blocks = static_cast<long long>(seconds * rate_hz / block);
  const double start = now_s();
  for (long long b = 0; b < blocks; ++b) engine.process(ins.data(), outs.data(), block);
  const double took = now_s() - start;
  double worst = 0;  // in a pass of its own: to ask for the time costs as much as a small network
  for (long long b = 0; b < blocks; ++b) {
    const double before = now_s();
    engine.process(ins.data(), outs.data(), block);
    if (b > 100) worst = std::max(worst, now_s() - before);
  }
  std::printf("%s, %d lines, block=%d %s: %.0f x real time; worst block %.1f %% of its period (last sample %g)\n",
              what.c_str(), loaded.model->network.lines, block, Engine::target(),
              static_cast<double>(blocks) * block / rate_hz / took, 100 * worst * rate_hz / block,
              static_cast<double>(sound[0].back()));
}
