// Prints what convolution costs, in CPU time of one thread, for a minute of noise at 48 kHz. Run by hand:
//     bench_convolver [seconds] [block] [pairs]    a response of so many seconds; blocks of so many frames; 2: left through
//                                                  left and right through right, 4: true stereo
// A block is measured by the clock of the thread. All passes begin from silence, so that block b does the same work in
// each: the least of its times is its own, and the longest block of a single pass has what else the machine did too.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

#include "runtime/convolver.h"
#include "runtime/denormals.h"
#include "runtime/kernels.h"
#include "runtime/partitioning.h"

namespace {

using namespace diffverb::runtime;

constexpr double kRate = 48000, kSeconds = 60;
constexpr int kPasses = 5;

/// CPU time of this thread.
double now_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<float> noise(std::size_t size, float level, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, level);
  std::vector<float> values(size);
  for (float& value : values) value = normal(random);
  return values;
}

/// Two channels through one convolver each, or through one of all four pairs.
class Stereo {
 public:
  Stereo(int length, int pairs, int block)
      : stride_(static_cast<std::size_t>(block + kPad)), in_(2 * stride_), out_(2 * stride_) {
    const int channels = pairs == 4 ? 2 : 1;
    for (int k = 0; k < 2 / channels; ++k) {
      const auto taps = noise(static_cast<std::size_t>(channels) * static_cast<std::size_t>(channels * length), 0.01f,
                              static_cast<unsigned>(k));
      const double start = now_s();
      convolvers_.emplace_back().prepare(taps, channels, channels, length);
      prepared_s_ += now_s() - start;
    }
  }
  double prepared_s() const { return prepared_s_; }
  void reset() {
    for (Convolver& convolver : convolvers_) convolver.reset();
  }
  void process(const float* sound, int frames) {
    std::copy_n(sound, frames, in_.begin());
    std::copy_n(sound + frames, frames, in_.begin() + static_cast<std::ptrdiff_t>(stride_));
    std::fill(out_.begin(), out_.end(), 0.0f);
    for (std::size_t k = 0; k < convolvers_.size(); ++k)
      convolvers_[k].add(&in_[k * stride_], stride_, &out_[k * stride_], stride_, frames);
  }
  float last() const { return out_[0]; }

 private:
  std::size_t stride_;
  Floats in_, out_;
  std::vector<Convolver> convolvers_;
  double prepared_s_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const double response_s = argc > 1 ? std::atof(argv[1]) : 2;
  const int block = argc > 2 ? std::atoi(argv[2]) : 64, pairs = argc > 3 ? std::atoi(argv[3]) : 2;
  if (!(response_s > 0 && response_s <= 600 && block >= 1 && block <= 8192 && (pairs == 2 || pairs == 4))) {
    std::fprintf(stderr, "bench_convolver [seconds, to 600] [block, 1 to 8192] [pairs, 2 or 4]\n");
    return 1;
  }
  const int length = std::max(1, static_cast<int>(response_s * kRate));
  Stereo stereo(length, pairs, block);
  const std::vector<float> sound = noise(static_cast<std::size_t>(2 * block) + 65536, 0.1f, 7);
  const auto at = [&](std::size_t b) { return sound.data() + b * 64 % 65536; };
  const FlushDenormals flush;
  const auto blocks = static_cast<std::size_t>(kSeconds * kRate / block);
  double least = 1e9, worst_of_a_pass = 1e9;
  std::vector<double> times(blocks, 1e9);
  for (int pass = 0; pass < kPasses; ++pass) {
    stereo.reset();
    double start = now_s();
    for (std::size_t b = 0; b < blocks; ++b) stereo.process(at(b), block);
    least = std::min(least, now_s() - start);
    stereo.reset();
    double worst = 0;
    for (std::size_t b = 0; b < blocks; ++b) {  // a pass of its own: to ask for the time costs as much as a small block
      start = now_s();
      stereo.process(at(b), block);
      const double took = now_s() - start;
      times[b] = std::min(times[b], took);
      worst = std::max(worst, took);
    }
    worst_of_a_pass = std::min(worst_of_a_pass, worst);
  }
  std::sort(times.begin(), times.end());
  const double period_s = block / kRate;
  const auto percent = [&](double time_s) { return 100 * time_s / period_s; };
  std::printf(
      "response %g s, %d pairs, block %d, %s: %.3f s for %g s; of their period: 99.9 %% of the blocks within "
      "%.2f %%, the longest %.2f %% (%.2f %% in the best single pass); prepared in %.1f ms (%g)\n",
      response_s, pairs, block, kernel_target(), least, kSeconds, percent(times[blocks * 999 / 1000]),
      percent(times.back()), percent(worst_of_a_pass), 1e3 * stereo.prepared_s(), static_cast<double>(stereo.last()));
  std::printf("partitions, taps from:");
  for (const Partitions& level : choose_partitions(length, pairs == 4 ? 2 : 1, pairs == 4 ? 2 : 1))
    std::printf(" %d x %d from %d", level.count, level.size, level.first_tap);
  std::printf("\n");
}
