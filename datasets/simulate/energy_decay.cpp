#include "datasets/simulate/energy_decay.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr double kLeastReflection = 1e-9;  // a wall that reflects nothing: its logarithm stays a number
constexpr double kMostSteps = 1e6;
constexpr std::size_t kLanes = 8;

/// Directions of an octant, equally spaced in solid angle.
std::vector<Point> octant(int directions) {
  std::vector<Point> out;
  for (int i = 0; i < directions; ++i) {
    const double up = (i + 0.5) / directions, flat = std::sqrt(1 - up * up);
    for (int j = 0; j < directions; ++j) {
      const double angle = (j + 0.5) / directions * std::numbers::pi / 2;
      out.push_back({flat * std::cos(angle), flat * std::sin(angle), up});
    }
  }
  return out;
}

/// What one step does to each direction.
struct Step {
  std::vector<double> stays, scatters, share;  // of what survives: goes on, is scattered; where the scattered goes
};

Step make_step(const std::vector<Point>& directions, const Point& size_m, const std::array<double, 3>& log_reflection,
               double scattering, double speed_m_s, double step_s) {
  Step step;
  double all = 0;
  for (const Point& o : directions) {
    double lost = 0, met = 0;
    for (int a = 0; a < 3; ++a) {
      met += speed_m_s * o[a] / size_m[a];
      lost -= speed_m_s * o[a] / (2 * size_m[a]) * log_reflection[a];
    }
    const double survives = std::exp(-lost * step_s), straight = std::pow(1 - scattering, met * step_s);
    step.stays.push_back(survives * straight);
    step.scatters.push_back(survives * (1 - straight));
    step.share.push_back(met);
    all += met;
  }
  for (double& share : step.share) share /= all;
  while (step.share.size() % kLanes != 0) {  // directions that nothing goes into
    step.stays.push_back(0);
    step.scatters.push_back(0);
    step.share.push_back(0);
  }
  return step;
}

/// All directions, step after step. Sums go by lanes, so that the compiler may take several at a time.
void run(const Step& step, double directions, std::size_t steps, double* specular, double* diffuse) {
  const std::size_t n = step.stays.size();
  const auto p = std::make_unique<double[]>(n), q = std::make_unique<double[]>(n);  // never scattered, and the rest
  for (std::size_t i = 0; i < n; ++i) p[i] = step.share[i] > 0 ? 1 : 0;
  const double *stays = step.stays.data(), *scatters = step.scatters.data(), *share = step.share.data();
  for (std::size_t t = 0; t < steps; ++t) {
    double straight[kLanes] = {}, mixed[kLanes] = {}, pool[kLanes] = {};
    for (std::size_t i = 0; i < n; i += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        straight[l] += p[i + l];
        mixed[l] += q[i + l];
        pool[l] += scatters[i + l] * (p[i + l] + q[i + l]);
        p[i + l] *= stays[i + l];
        q[i + l] *= stays[i + l];
      }
    }
    for (std::size_t l = 1; l < kLanes; ++l) {
      straight[0] += straight[l];
      mixed[0] += mixed[l];
      pool[0] += pool[l];
    }
    specular[t] = straight[0] / directions;
    diffuse[t] = mixed[0] / directions;
    const double scattered = pool[0];
    for (std::size_t i = 0; i < n; ++i) q[i] += share[i] * scattered;
  }
}

}  // namespace

double volume_m3(const Point& s) { return s[0] * s[1] * s[2]; }
double surface_m2(const Point& s) { return 2 * (s[0] * s[1] + s[1] * s[2] + s[0] * s[2]); }

std::array<double, 6> wall_shares(const Point& s) {
  const double all = surface_m2(s), x = s[1] * s[2] / all, y = s[0] * s[2] / all, z = s[0] * s[1] / all;
  return {x, x, y, y, z, z};
}

double sabine_time_s(const Point& size_m, double mean_absorption, double speed_m_s, double air_per_m) {
  const double volume = volume_m3(size_m);
  const double area = surface_m2(size_m) * mean_absorption + 4 * air_per_m * volume;
  return 24 * std::numbers::ln10 * volume / (speed_m_s * area);
}

double eyring_time_s(const Point& size_m, double mean_absorption, double speed_m_s, double air_per_m) {
  return sabine_time_s(size_m, -std::log1p(-mean_absorption), speed_m_s, air_per_m);
}

EnergyDecay energy_decay(const Point& size_m, const std::array<std::vector<double>, 6>& absorption,
                         const std::vector<double>& scattering, double speed_m_s, double length_s, double step_s,
                         int directions) {
  if (!(length_s > 0 && step_s > 0 && speed_m_s > 0) || length_s / step_s > kMostSteps || directions < 1)
    throw ContractError("energy_decay: length, step and speed must be above zero, with at most 1e6 steps");
  EnergyDecay out;
  out.step_s = step_s;
  out.bands = scattering.size();
  out.steps = static_cast<std::size_t>(length_s / step_s) + 2;
  out.specular.resize(out.bands * out.steps);
  out.diffuse.resize(out.bands * out.steps);
  const auto rays = octant(directions);
  for (std::size_t b = 0; b < out.bands; ++b) {
    std::array<double, 3> log_reflection;
    for (int a = 0; a < 3; ++a) {
      double product = 1;
      for (int side = 0; side < 2; ++side) {
        const auto& wall = absorption[2 * a + side];
        if (wall.size() != out.bands || !(wall[b] >= 0 && wall[b] <= 1))
          throw ContractError("energy_decay: each wall needs an absorption within [0, 1] for each band");
        product *= std::max(1 - wall[b], kLeastReflection);
      }
      log_reflection[a] = std::log(product);
    }
    if (!(scattering[b] >= 0 && scattering[b] < 1)) throw ContractError("energy_decay: scattering is outside [0, 1)");
    run(make_step(rays, size_m, log_reflection, scattering[b], speed_m_s, step_s), static_cast<double>(rays.size()),
        out.steps, out.specular.data() + b * out.steps, out.diffuse.data() + b * out.steps);
  }
  return out;
}

double decay_time_s(const EnergyDecay& decay, std::size_t band, double speed_m_s, double air_per_m) {
  std::vector<double> level(decay.steps);
  for (std::size_t t = 0; t < decay.steps; ++t)
    level[t] = decay.total(band, t) * std::exp(-air_per_m * speed_m_s * decay.step_s * static_cast<double>(t));
  const std::size_t last = decay.steps - 1;
  const double falls = level[last] / level[last - 1];
  if (!(falls < 1) || !(level[last] > 0)) return 0;
  double sum = level[last] * falls / (1 - falls);
  for (std::size_t t = decay.steps; t-- > 0;) level[t] = (sum += level[t]);
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, lowest = 0;
  for (std::size_t t = 0; t < decay.steps; ++t) {
    const double db = 10 * std::log10(level[t] / level[0]), x = static_cast<double>(t) * decay.step_s;
    lowest = db;
    if (db > -5 || db < -35) continue;
    n += 1;
    sx += x;
    sy += db;
    sxx += x * x;
    sxy += x * db;
  }
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  if (n < 3 || lowest > -35 || !(slope < 0)) return 0;
  return -60 / slope;
}

}  // namespace diffverb
