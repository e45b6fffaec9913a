#include "train/bench/bench_image_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "datasets/simulate/image_source.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"

namespace diffverb {
namespace {

constexpr int kOrder = 80, kRateHz = 48000, kTaps = 81, kPhases = 20, kTurns = 7;
constexpr double kAbsorption = 0.1;

Shoebox bench_room() {
  Shoebox room;
  room.size_m = {6, 5, 3};
  room.source_m = {2, 3.1, 1.5};
  room.receiver_m = {4.5, 1.7, 1.2};
  for (auto& wall : room.reflection) wall = {std::sqrt(1 - kAbsorption)};
  return room;
}

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
    const double ms = milliseconds([&] { train = image_source(room, limits, delay, samples, kRateHz, threads); });
    ours_ms = std::min(ours_ms, ms);
  };

  const BenchFolder folder;
  const std::string kept = (folder.path() / "response").string();
  PythonPeer peer(peer_script("image_source"),
                  {"--keep", kept, "--threads", std::to_string(threads), "--order", std::to_string(kOrder), "--rate",
                   std::to_string(kRateHz), "--absorption", std::to_string(kAbsorption)},
                  threads);
  const auto version = peer_version(peer, "image_source", "pyroomacoustics");
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
      require_equal(train, read_file(kept + ".exact"), 1e-4);
      require_equal(train, read_file(kept + ".timed"), 1e-3);
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
