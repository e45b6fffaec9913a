#include "train/bench_image_source.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "datasets/simulate/image_source.h"
#include "train/python_peer.h"

namespace diffverb {
namespace {

constexpr int kOrder = 80, kRateHz = 48000, kTaps = 81, kPhases = 20, kTurns = 7;
constexpr double kAbsorption = 0.1;

// image_source_model() finds the images and what they have lost, compute_rir() adds them up. The high-pass, which ours
// does not have here, is off; its response comes 40 samples late. compute_rir() rounds times of arrival to float32,
// which alone costs 4e-4 of the largest sample here: results are compared to 1e-4 with the same images through its own
// kernel in double precision (outside the time), and to 1e-3 with what was timed.
constexpr const char* kPeerScript = R"python(
import json, sys, time
import numpy, pyroomacoustics as pra
from pyroomacoustics import libroom
path, threads, order, rate, absorption = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
pra.constants.set("rir_hpf_enable", False)
pra.constants.set("num_threads", threads)
print(pra.__version__, flush=True)
for line in sys.stdin:
    room = pra.ShoeBox([6, 5, 3], fs=rate, max_order=order, materials=pra.Material(absorption))
    room.add_source([2.0, 3.1, 1.5])
    room.add_microphone([4.5, 1.7, 1.2])
    start = time.perf_counter()
    room.image_source_model()
    room.compute_rir()
    ms = 1e3 * (time.perf_counter() - start)
    if line.strip() == "keep":
        images = room.sources[0]
        distance = numpy.linalg.norm(images.images.astype(float) - numpy.array([[4.5], [1.7], [1.2]]), axis=0)
        exact = numpy.zeros(len(room.rir[0][0]) + 2)
        libroom.rir_builder(exact, distance / room.c + 40 / rate, images.damping[0] / distance, rate, 81, 20, threads)
        for name, rir in (("timed", room.rir[0][0]), ("exact", exact)):
            numpy.asarray(rir[40:], numpy.float32).tofile(path + "." + name)
    print(json.dumps({"ms": ms, "images": room.sources[0].images.shape[1]}), flush=True)
)python";

Shoebox bench_room() {
  Shoebox room;
  room.size_m = {6, 5, 3};
  room.source_m = {2, 3.1, 1.5};
  room.receiver_m = {4.5, 1.7, 1.2};
  for (auto& wall : room.reflection) wall = {std::sqrt(1 - kAbsorption)};
  return room;
}

/// What the peer writes, gone when it is left.
struct Scratch {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("diffverb-bench-" + std::to_string(::getpid()));
  std::string timed() const { return path.string() + ".timed"; }
  std::string exact() const { return path.string() + ".exact"; }
  ~Scratch() {
    std::error_code code;
    std::filesystem::remove(timed(), code);
    std::filesystem::remove(exact(), code);
  }
};

void require_equal(const BandTrains& ours, const std::string& bytes, double most) {
  std::vector<float> theirs(bytes.size() / sizeof(float));
  std::memcpy(theirs.data(), bytes.data(), theirs.size() * sizeof(float));
  double largest = 0, error = 0;
  for (const float value : theirs) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const std::size_t count = std::min(theirs.size(), ours.samples);
  if (count + 200 < ours.samples) throw NumericError("bench image_source: the peer's response is shorter than ours");
  for (std::size_t n = 0; n < count; ++n)
    error = std::max(error, std::abs(static_cast<double>(theirs[n]) - ours.band(0)[ours.lead + n]));
  if (!(error <= most * largest))
    throw NumericError("bench image_source: differs from the peer's by " + std::to_string(error / largest) +
                       " of its largest value, expected at most " + std::to_string(most));
}

BenchResult bench_one_band() {
  const int threads = bench_threads();
  const Shoebox room = bench_room();
  const FractionalDelay delay(kTaps, kPhases);
  ImageLimits limits;
  limits.max_order = kOrder;
  const std::int64_t images = count_images(room, limits);
  const auto samples = static_cast<std::size_t>(1.41 * kRateHz);
  BandTrains train;
  double ours_ms = 1e300, peer_ms = 1e300;
  const auto ours = [&] {
    const auto start = std::chrono::steady_clock::now();
    train = image_source(room, limits, delay, samples, kRateHz, threads);
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    ours_ms = std::min(ours_ms, ms);
  };

  const Scratch scratch;
  PythonPeer peer(kPeerScript,
                  {scratch.path.string(), std::to_string(threads), std::to_string(kOrder), std::to_string(kRateHz),
                   std::to_string(kAbsorption)},
                  threads);
  const auto version = peer.read();
  for (int turn = 0; turn < kTurns; ++turn) {  // in turns; the least of each: what disturbs the machine only adds
    for (int i = 0; i < 5; ++i) ours();
    if (!version) continue;
    peer.write(turn == 0 ? "keep" : "go");
    const auto answer = nlohmann::json::parse(peer.read().value_or(""), nullptr, false);
    if (!answer.is_object()) throw DataError("bench image_source: the Python peer has ended early");
    if (answer.at("images").get<std::int64_t>() != images)
      throw NumericError("bench image_source: the peer has " + answer.at("images").dump() + " images, ours are " +
                         std::to_string(images));
    if (turn == 0) {
      require_equal(train, read_file(scratch.exact()), 1e-4);
      require_equal(train, read_file(scratch.timed()), 1e-3);
    }
    peer_ms = std::min(peer_ms, answer.at("ms").get<double>());
  }
  BenchResult result;
  result.name = "image_source";
  result.size = "6x5x3 m order " + std::to_string(kOrder) + " images=" + std::to_string(images) + " 1.41 s 48 kHz f32";
  result.ours_ms = ours_ms;
  if (version) {
    result.peer = "pyroomacoustics " + *version;
    result.peer_ms = peer_ms;
  }
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> image_source_benches() { return {bench_one_band}; }

}  // namespace diffverb
