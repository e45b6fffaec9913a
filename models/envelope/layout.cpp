#include "models/envelope/layout.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diffverb {
namespace {

constexpr double kBinHz = kDistanceRateHz / kDistanceFftSize;
constexpr double kHighestHz = kEnvelopeRateHz / 2;
constexpr double kFadeInHz = 16;  // below it a response has nothing that is heard or measured
constexpr double kEarlyEndSeconds = 0.16;

EnvelopeLayout make_layout() {
  EnvelopeLayout layout;
  for (const int bin : distance_edges_bins()) layout.edges_hz.push_back(bin * kBinHz);
  layout.edges_hz.back() = kDistanceRateHz / 2;
  for (int third = 1; third <= 4; ++third) layout.edges_hz.push_back(kDistanceRateHz / 2 * std::exp2(third / 3.0));
  layout.edges_hz.push_back(kHighestHz);
  for (std::size_t k = 0; k + 1 < layout.edges_hz.size(); ++k) {
    const double low = layout.edges_hz[k], high = layout.edges_hz[k + 1];
    const bool narrow = high <= 8 * kBinHz;  // as far as the bands are steps of bins, not of thirds
    layout.centres_hz.push_back(narrow ? 0.5 * (low + high) : std::sqrt(low * high));
  }
  for (int i = 0; i < kUniformCells; ++i) layout.times_s.push_back(i * kUniformCellSeconds);
  for (int i = 0; i < 100; ++i) layout.times_s.push_back(0.5 + i * 0.016);
  for (int i = 0; i <= 97; ++i) layout.times_s.push_back(2.1 + i * 0.064);
  layout.knots_s = {0.004, 0.010, 0.018, 0.028, 0.042, 0.060, 0.085, 0.120};
  return layout;
}

}  // namespace

std::vector<int> distance_edges_bins() {
  constexpr int kBins = kDistanceFftSize / 2 + 1;
  std::vector<int> edges{0, 1};
  while (edges.back() < kBins) {
    const int next = static_cast<int>(std::floor(edges.back() * std::exp2(1.0 / 3) + 0.5));
    edges.push_back(std::min(kBins, std::max(edges.back() + 1, next)));
  }
  return edges;
}

const EnvelopeLayout& envelope_layout() {
  static const EnvelopeLayout kLayout = make_layout();
  return kLayout;
}

std::vector<double> EnvelopeLayout::weights_at(double hz) const {
  std::vector<double> weights(centres_hz.size(), 0.0);
  const auto above =
      static_cast<std::size_t>(std::upper_bound(centres_hz.begin(), centres_hz.end(), hz) - centres_hz.begin());
  if (above == 0) {
    weights[0] = 1;
  } else if (above == centres_hz.size()) {
    weights.back() = 1;
  } else {
    const double x = (hz - centres_hz[above - 1]) / (centres_hz[above] - centres_hz[above - 1]);
    const double v = std::pow(x, 4) * (35 - 84 * x + 70 * x * x - 20 * x * x * x);
    weights[above - 1] = std::cos(std::numbers::pi / 2 * v);
    weights[above] = std::sin(std::numbers::pi / 2 * v);
  }
  weights[0] *= std::min(1.0, hz / kFadeInHz);
  return weights;
}

std::vector<std::vector<double>> EnvelopeLayout::knot_weights(const std::vector<double>& times) const {
  const auto place = [](double t) { return std::log(std::max(t, 0.002) / 0.004); };
  std::vector<double> places{-0.7};
  for (const double knot : knots_s) places.push_back(place(knot));
  places.push_back(place(kEarlyEndSeconds));
  std::vector<std::vector<double>> weights(knots_s.size(), std::vector<double>(times.size(), 0.0));
  for (std::size_t t = 0; t < times.size(); ++t) {
    const double at = place(times[t]);
    if (at >= places.back()) continue;
    std::size_t next = 1;
    while (next + 1 < places.size() && at > places[next]) ++next;
    const double share = std::clamp((at - places[next - 1]) / (places[next] - places[next - 1]), 0.0, 1.0);
    // Before the first knot its gain holds; after the last it fades.
    const auto add = [&](std::size_t place_index, double weight) {
      const std::size_t knot = std::max<std::size_t>(place_index, 1) - 1;
      if (place_index + 1 < places.size()) weights[knot][t] += weight;
    };
    add(next - 1, 1 - share);
    add(next, share);
  }
  return weights;
}

}  // namespace diffverb
