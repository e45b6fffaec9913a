#include <array>
#include <cmath>

#include "core/filters/one_pole.h"
#include "models/network_model.h"

namespace diffverb {
namespace {

using Point = std::array<at::Tensor, 3>;  // metres, each a number

constexpr double kSpeedOfSound = 343;

at::Tensor distance(const Point& a, const Point& b) {
  auto sum = (a[0] - b[0]).square();
  for (int axis = 1; axis < 3; ++axis) sum = sum + (a[axis] - b[axis]).square();
  return sum.sqrt();
}

/// A scattering delay network: a shoebox room as six wall nodes that are joined by waveguides. First reflections are
/// exact in time, level and direction; later ones grow denser by scattering, as in a room.
///
///   p-_i = h_k (2/5 sum_j p+_j - p+_i),   each p+ with half of what the source sends,   heard: 2/5 sum_j p-_j
///
/// Node k lies where the wall's first reflection to the middle of both microphones hits it; a guide's delay is the
/// distance of its nodes. h_k is the wall's: a reflection factor and a low-pass. The junction is lossless: the matrix
/// 2/5 1 1^T - I is orthogonal. Levels fall with distance so that a first reflection of a hard wall is 1 / (its path).
///
/// Source   De Sena, Hacihabiboglu, Cvetkovic, Smith 2015, "Efficient synthesis of room acoustics via scattering delay
///          networks"; the microphones' spacing is ours
class Scattering final : public NetworkModel {
 public:
  explicit Scattering(Fields& f) {
    own().add(f, "reflection", 0.9, between(0.1, 0.995));
    own().add(f, "wall", {1, 1, 1, 1, 1, 1}, between(0.1, 1));
    own().add(f, "damping", {0.2, 0.2, 0.2, 0.2, 0.2, 0.2}, between(0, 0.9));
    own().add(f, "room_m", {9, 7, 4}, between(2, 100), "m", Knobs::Kind::kFixed);
    own().add(f, "source", {0.22, 0.53, 0.40}, between(0.05, 0.95), "", Knobs::Kind::kFixed);
    own().add(f, "microphone", {0.71, 0.46, 0.43}, between(0.05, 0.95), "", Knobs::Kind::kFixed);
    own().add(f, "spacing_m", 0.2, between(0.02, 1), "m", Knobs::Kind::kFixed);
    finish(f);
  }
  std::string decay_knob() const override { return "reflection"; }

  DelayNetwork build(double rate) const override {
    SignalFlow flow(1, rate);
    const auto room = knobs()["room_m"];
    const auto inside = [&](const std::string& key) {
      const auto place = knobs()[key] * room;
      return Point{place[0], place[1], place[2]};
    };
    const Point source = inside("source"), middle = inside("microphone");
    Point left = middle, right = middle;
    left[1] = left[1] - knobs()["spacing_m"] / 2;
    right[1] = right[1] + knobs()["spacing_m"] / 2;
    std::array<Point, kWalls> nodes;
    for (int k = 0; k < kWalls; ++k) nodes[k] = reflection_point(source, middle, k, room);
    const auto delayed = [&](const SignalFlow::Signal& x, const at::Tensor& metres, const at::Tensor& sos = {}) {
      return flow.delay(x, (metres * (rate / kSpeedOfSound)).clamp_min(1), sos);
    };
    std::array<at::Tensor, kWalls> damping, factor;  // a wall's filter stands in each line that leaves it
    for (int k = 0; k < kWalls; ++k) {
      damping[k] = one_pole_sos(pole_at_rate(knobs().at("damping", k), 48000, rate));
      factor[k] = knobs()["reflection"] * knobs().at("wall", k);
    }

    // What arrives at node i from node j is known after the guide's delay.
    SignalFlow::Signal leaving[kWalls][kWalls], arriving[kWalls][kWalls], out[2];
    for (int i = 0; i < kWalls; ++i) {
      for (int j = 0; j < kWalls; ++j) {
        if (i == j) continue;
        leaving[j][i] = flow.loop();
        arriving[i][j] = delayed(leaving[j][i], distance(nodes[i], nodes[j]), damping[j]);
      }
    }
    for (int k = 0; k < kWalls; ++k) {
      const auto to_node = distance(source, nodes[k]);
      const auto sent = (1 / to_node.clamp_min(1)) * delayed(flow.input(0), to_node);
      SignalFlow::Signal sum;
      for (int j = 0; j < kWalls; ++j) {
        if (j != k) sum = sum + arriving[k][j];
      }
      const auto pressure = 0.4 * sum + sent;  // 2/5 of the sum of p+ + sent / 2
      for (int j = 0; j < kWalls; ++j) {
        if (j != k) flow.close(leaving[k][j], factor[k] * (pressure - arriving[k][j] - 0.5 * sent));
      }
      for (int side = 0; side < 2; ++side) {
        const auto from_node = distance(nodes[k], side == 0 ? left : right);
        out[side] = out[side] +
                    (1 / (1 + from_node / to_node.clamp_min(1))) * delayed(factor[k] * pressure, from_node, damping[k]);
      }
    }
    for (int side = 0; side < 2; ++side) {
      const auto direct = distance(source, side == 0 ? left : right);
      out[side] = out[side] + (1 / direct.clamp_min(1)) * delayed(flow.input(0), direct);
    }
    return flow.network({out[0], out[1]});
  }

 private:
  static constexpr int kWalls = 6;  // x = 0, x = length, y = 0, ...

  static Point reflection_point(const Point& source, const Point& microphone, int wall, const at::Tensor& room) {
    const int axis = wall / 2;
    const auto depth = [&](const Point& p) { return wall % 2 == 0 ? p[axis] : room[axis] - p[axis]; };
    const auto share = depth(source) / (depth(source) + depth(microphone));
    Point node;
    for (int a = 0; a < 3; ++a) node[a] = source[a] + share * (microphone[a] - source[a]);
    node[axis] = wall % 2 == 0 ? 0 * room[axis] : room[axis];
    return node;
  }
};

}  // namespace

DIFFVERB_PART(models, scattering, Scattering, "Shoebox room of six scattering wall nodes joined by waveguides",
              "De Sena et al. 2015")

}  // namespace diffverb
