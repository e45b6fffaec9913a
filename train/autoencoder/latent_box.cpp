#include "train/autoencoder/latent_box.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kFrameSeconds = 0.064, kHopSeconds = 0.016, kLatestSeconds = 0.160;
constexpr double kWindowSeconds = 0.1, kLargestRiseDb = 3, kRangeDb = 60;

double energy(const std::vector<double>& x, double rate_hz, double from_s, double seconds) {
  const auto begin = std::min(x.size(), static_cast<std::size_t>(from_s * rate_hz));
  const auto end = std::min(x.size(), static_cast<std::size_t>((from_s + seconds) * rate_hz));
  double sum = 0;
  for (std::size_t n = begin; n < end; ++n) sum += x[n] * x[n];
  return sum;
}

}  // namespace

std::optional<std::string> implausible_decay(const Audio& response) {
  std::vector<double> x = acoustics::to_double(response.channels[0]);
  const double rate = response.rate_hz;
  x.erase(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(acoustics::find_onset(x)));
  const double length = static_cast<double>(x.size()) / rate;
  double loudest = -1, at = 0;
  for (double t = 0; t + kFrameSeconds <= length; t += kHopSeconds) {
    const double e = energy(x, rate, t, kFrameSeconds);
    if (e > loudest) {
      loudest = e;
      at = t;
    }
  }
  if (at > kLatestSeconds) return "the loudest frame begins " + std::to_string(std::lround(1e3 * at)) + " ms in";
  double before = energy(x, rate, kLatestSeconds, kWindowSeconds);
  const double least = loudest * std::pow(10.0, -kRangeDb / 10);
  for (double t = kLatestSeconds + kWindowSeconds; t + kWindowSeconds <= length; t += kWindowSeconds) {
    const double now = energy(x, rate, t, kWindowSeconds);
    if (now > least && now > before * std::pow(10.0, kLargestRiseDb / 10))
      return "energy rises " + std::to_string(std::lround(1e3 * t)) + " ms in";
    before = now;
  }
  const acoustics::FileResult result = acoustics::analyze(response);
  for (const auto& band : result.channels[0].octaves) {
    if (std::abs(band.hz - 1000) < 1 && band.t20_s) return std::nullopt;
  }
  return "T20 at 1 kHz is undefined";
}

LatentBox try_latent_box(RoomCoder& coder, std::int64_t points, std::uint64_t seed) {
  LatentBox box;
  Random random(seed, "latent box");
  for (; box.points < points; ++box.points) {
    std::vector<double> z;
    for (int i = 0; i < coder.latent(); ++i) z.push_back(random.uniform(-coder.latent_bound(), coder.latent_bound()));
    const auto reason = implausible_decay(coder.imagine(z, 0, 1));
    if (!reason) continue;
    if (box.implausible++ == 0) box.example = *reason;
  }
  return box;
}

nlohmann::json to_json(const LatentBox& box) {
  return {{"points", box.points},
          {"implausible_pct",
           box.points ? 100.0 * static_cast<double>(box.implausible) / static_cast<double>(box.points) : 0.0},
          {"example", box.example}};
}

}  // namespace diffverb
