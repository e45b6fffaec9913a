#include "core/acoustics/echo_density.h"
#include "core/acoustics/octave_mean.h"
#include "train/levels/levels.h"

namespace diffverb {
namespace {

constexpr double kRule = 0.15;  // modes a hertz and second of decay time

template <class Measure>
Figure figure(const char* key, const acoustics::Character& played, const acoustics::Character& target,
              const Measure& measure) {
  Figure out{key, measure(played), measure(target)};
  if (!out.value) out.why_not = acoustics::kNoLatePart;
  return out;
}

/// A figure of the late spectrum.
auto late(double acoustics::LateSpectrum::*member) {
  return [member](const acoustics::Character& c) {
    return c.tail.spectrum ? std::optional((*c.tail.spectrum).*member) : std::nullopt;
  };
}

}  // namespace

Level statistical_level(const ResponseLevels& response, const acoustics::Character& played,
                        const acoustics::Character& target, const ModelLevels& model) {
  const auto &p = response.comparison.other.channels[0], &t = response.comparison.target.channels[0];
  Figure dense{"dense_after_s", acoustics::time_of_density_s(p.density, acoustics::kMixed),
               acoustics::time_of_density_s(t.density, acoustics::kMixed)};
  if (!dense.value) dense.why_not = "its echo density never reaches 0.95";
  Figure modes{"modes_per_hz", model.modal_density_per_hz}, needed{"modes_needed_per_hz", std::nullopt};
  if (!modes.value) modes.why_not = "no delay network";
  const auto decay = octave_mean(p.octaves, acoustics::decay_s);
  if (decay)
    needed.value = kRule * *decay;
  else
    needed.why_not = "too little decay above the noise";
  return {"statistical",
          {figure("echo_density", played, target, [](const auto& c) { return c.tail.echo_density; }), dense, modes,
           needed, figure("late_spread_db", played, target, late(&acoustics::LateSpectrum::spread_db)),
           figure("flatness", played, target, late(&acoustics::LateSpectrum::flatness)),
           figure("late_modes_pct", played, target, late(&acoustics::LateSpectrum::isolated_pct))},
          ""};
}

}  // namespace diffverb
