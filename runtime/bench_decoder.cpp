// Prints how long latent points take to become responses (and pairs of them latent points again), in CPU time of one thread. Run by hand:
//     bench_decoder FILE [seconds]     a file of kind autoencoder or waveform_autoencoder; 0: as long as the decoder wants
// Fifty points: the corners of the latent box (of its first four axes), then drawn ones. Each the least of three times.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "runtime/envelope_decoder.h"
#include "runtime/envelope_encoder.h"
#include "runtime/metadata.h"
#include "runtime/waveform_decoder.h"

namespace {

using namespace diffverb::runtime;

using Point = std::vector<double>;

/// CPU time of this thread.
double now_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<Point> points(int latent, double bound) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-bound, bound);
  std::vector<Point> all;
  for (int corner = 0; corner < 1 << std::min(latent, 4); ++corner) {
    Point& point = all.emplace_back();
    for (int i = 0; i < latent; ++i) point.push_back((corner >> i % 4 & 1) != 0 ? bound : -bound);
  }
  while (all.size() < 50) {
    Point& point = all.emplace_back();
    for (int i = 0; i < latent; ++i) point.push_back(uniform(random));
  }
  return all;
}

/// `decode` returns the number of samples.
void print(const char* what, const std::vector<Point>& all, double rate_hz,
           const std::function<std::size_t(const Point&)>& decode) {
  std::vector<double> times, lengths;
  for (const Point& point : all) {
    double least = 1e9;
    std::size_t samples = 0;
    for (int pass = 0; pass < 3; ++pass) {
      const double start = now_s();
      samples = decode(point);
      least = std::min(least, now_s() - start);
    }
    times.push_back(1e3 * least), lengths.push_back(static_cast<double>(samples) / rate_hz);
  }
  for (auto* values : {&times, &lengths}) std::sort(values->begin(), values->end());
  const std::size_t middle = all.size() / 2;
  std::printf("%s: %zu points of %.1f s (median) to %.1f s: %.1f ms (median) to %.1f ms\n", what, all.size(),
              lengths[middle], lengths.back(), times[middle], times.back());
}

/// The way back of what a pair sounds like, as if it had been measured at another rate.
void print_encoding(const EnvelopeDecoder& decoder, double seconds) {
  const EnvelopeEncoder encoder(std::make_shared<const EnvelopeDecoderWeights>(decoder.weights()));
  const auto pair = decoder.decode_pair({}, {.width = 0.5}, {.seconds = seconds});
  for (const double rate_hz : {48000.0, 44100.0, 96000.0}) {
    const double start = now_s();
    const EncodedPoint point = encoder.encode({pair[0], pair[1]}, rate_hz);
    std::printf("back, a pair of %.1f s at %.0f Hz: %s%.0f ms\n", static_cast<double>(pair[0].size()) / rate_hz,
                rate_hz, point.error.c_str(), 1e3 * (now_s() - start));
  }
}

int fail(const std::string& error) {
  std::fprintf(stderr, "%s\n", error.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fail("bench_decoder FILE [seconds]");
  const std::filesystem::path path = argv[1];
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0;
  if (kind_of_file(path) == "waveform_autoencoder") {
    const auto loaded = load_waveform_decoder(path);
    if (!loaded) return fail(loaded.error);
    const WaveformDecoder decoder(loaded.weights);
    const auto all = points(loaded.weights->latent(), loaded.weights->latent_bound);
    print("one channel", all, loaded.weights->sample_rate_hz,
          [&](const Point& point) { return decoder.decode(point, {.seconds = seconds}).size(); });
    return 0;
  }
  const auto loaded = load_envelope_decoder(path);
  if (!loaded) return fail(loaded.error);
  const double start = now_s();
  const EnvelopeDecoder decoder(loaded.weights);
  std::printf("noise split in %.0f ms\n", 1e3 * (now_s() - start));
  const auto all = points(loaded.weights->latent(), loaded.weights->latent_bound);
  print("one channel", all, loaded.weights->sample_rate_hz,
        [&](const Point& point) { return decoder.decode(point, {.seconds = seconds}).size(); });
  print("a pair", all, loaded.weights->sample_rate_hz,
        [&](const Point& point) { return decoder.decode_pair(point, {.width = 0.5}, {.seconds = seconds})[0].size(); });
  print_encoding(decoder, seconds);
}
