// play FILE [CONTROL=VALUE ...] < in > out: raw stereo floats at 48 kHz through a reverb, and two seconds of its tail.
//   sox dry.wav -t f32 -r 48000 -c 2 - | play room.safetensors mix_percent=30 | sox -t f32 -r 48000 -c 2 - wet.wav
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/live/live_reverb.h"

using namespace diffverb::runtime;

int main(int count, char** arguments) {
  constexpr int kBlock = 256;
  constexpr double kRate = 48000;
  LiveReverb reverb;
  std::string error = count > 1 ? reverb.prepare(kRate, 2, 2) : "play FILE [CONTROL=VALUE ...] < in > out";
  if (error.empty()) error = reverb.load(arguments[1]);
  for (int i = 2; i < count && error.empty(); ++i) {
    const std::string setting = arguments[i];
    const std::size_t equals = setting.find('=');
    const auto control = find_control(setting.substr(0, equals));
    if (!control || equals == std::string::npos)
      error = "no such control: " + setting;
    else
      reverb.set(*control, std::atof(setting.c_str() + equals + 1));
  }
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  reverb.settle();  // offline: begin with what was asked for, not on the way there

  std::vector<float> frames(2 * kBlock), left(kBlock), right(kBlock);
  float* channels[] = {left.data(), right.data()};
  for (int tail = static_cast<int>(2 * kRate); tail > 0;) {
    const auto read = static_cast<int>(std::fread(frames.data(), 2 * sizeof(float), kBlock, stdin));
    for (int n = 0; n < kBlock; ++n) {
      left[n] = n < read ? frames[2 * n] : 0;
      right[n] = n < read ? frames[2 * n + 1] : 0;
    }
    reverb.process(channels, channels, kBlock);
    for (int n = 0; n < kBlock; ++n) frames[2 * n] = left[n], frames[2 * n + 1] = right[n];
    std::fwrite(frames.data(), 2 * sizeof(float), kBlock, stdout);
    tail -= kBlock - read;
  }
}
