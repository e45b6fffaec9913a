// How `diffverb bench engine` and the hosts of its peers play a sound, block by block and in turns. The hosts are programs
// of their own (experiments/benchmarks/peers), so that this needs nothing of ours.
//     HOST SOUND.f32 BLOCK ...      48 kHz, interleaved stereo
// prints its name and version, then for each line that it reads: CPU seconds of a pass, the worst block's CPU seconds.
#pragma once

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace diffverb::turns {

constexpr int kRate = 48000;

struct Stereo {
  std::vector<float> left, right;
};

inline Stereo read_sound(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<float> samples(static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0)) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(samples.data()), static_cast<std::streamsize>(samples.size() * sizeof(float)));
  Stereo sound;
  for (std::size_t n = 0; n + 1 < samples.size(); n += 2) {
    sound.left.push_back(samples[n]);
    sound.right.push_back(samples[n + 1]);
  }
  return sound;
}

/// Denormals are flushed, as ours are and as plug-in hosts do.
inline void flush_denormals() {
#if defined(__SSE2__)
  _mm_setcsr(_mm_getcsr() | 0x8040u);
#endif
}

inline double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The whole sound, or its first `frames`, through play(in, out, block); `worst`, where asked for, is the longest block.
template <typename Play>
double pass(const Stereo& sound, int block, std::size_t frames, double* worst, Play&& play) {
  const auto size = static_cast<std::size_t>(block);
  std::vector<float> left(size), right(size);
  float* out[2] = {left.data(), right.data()};
  const double start = cpu_seconds();
  for (std::size_t at = 0; at + size <= std::min(frames, sound.left.size()); at += size) {
    const float* in[2] = {sound.left.data() + at, sound.right.data() + at};
    const double before = worst ? cpu_seconds() : 0;
    play(in, out, block);
    if (worst) *worst = std::max(*worst, cpu_seconds() - before);
  }
  return cpu_seconds() - start;
}

/// A turn for each line read: a pass over the sound, then ten seconds of it block by block: to ask for the time of a
/// block costs as much as a small reverberator.
template <typename Play>
int take_turns(const std::string& name, const Stereo& sound, int block, Play&& play) {
  flush_denormals();
  pass(sound, block, kRate, nullptr, play);
  std::cout << name << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const double seconds = pass(sound, block, sound.left.size(), nullptr, play);
    double worst = 0;
    pass(sound, block, 10 * kRate, &worst, play);
    std::cout << seconds << " " << worst << std::endl;
  }
  return 0;
}

}  // namespace diffverb::turns
