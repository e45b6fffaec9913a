#include "models/plate_tank.h"

namespace diffverb {
namespace {

using Signal = SignalFlow::Signal;

/// Lengths in samples at kPlateRateHz.
struct HalfSizes {
  double moving, delay, allpass, last;
};
constexpr HalfSizes kLeft = {672, 4453, 1800, 3720}, kRight = {908, 4217, 2656, 3163};

/// Handles of the lines that the output taps lie in: Dattorro's nodes 24_30, 31_33, 33_39, or 48_54, 55_59, 59_63.
struct Half {
  Signal moving, delay, allpass, last;
};

Half half(SignalFlow& flow, const Signal& in, const PlateTank& tank, const HalfSizes& sizes) {
  const double scale = flow.sample_rate_hz() / kPlateRateHz;
  Half h;
  // The signs of the first diffusion are those of the figure: the other way round than in all other allpasses.
  const auto spread = flow.allpass(in, tank.first_diffusion,
                                   [&](const Signal& v) { return h.moving = flow.delay(v, scale * sizes.moving); });
  h.delay = flow.delay(spread, scale * sizes.delay);
  const auto damped = tank.decay * flow.filter(h.delay, tank.damping);
  const auto dense = flow.allpass(damped, -tank.second_diffusion.tensor(),
                                  [&](const Signal& v) { return h.allpass = flow.delay(v, scale * sizes.allpass); });
  h.last = flow.delay(dense, scale * sizes.last);
  return h;
}

}  // namespace

Signal plate_diffuser(SignalFlow& flow, const Signal& in, const at::Tensor& first, const at::Tensor& second) {
  const double scale = flow.sample_rate_hz() / kPlateRateHz;
  auto x = flow.allpass(in, -first, scale * 142);
  x = flow.allpass(x, -first, scale * 107);
  x = flow.allpass(x, -second, scale * 379);
  return flow.allpass(x, -second, scale * 277);
}

PlateOutputs plate_tank(SignalFlow& flow, const Signal& in, const PlateTank& tank) {
  const auto from_right = flow.loop();
  const Half left = half(flow, in + tank.decay * from_right, tank, kLeft);
  const Half right = half(flow, in + tank.decay * left.last, tank, kRight);
  flow.close(from_right, right.last);
  const double scale = flow.sample_rate_hz() / kPlateRateHz;
  const auto tap = [&](const Signal& line, double samples) {
    return flow.tap(line, scale * (samples - tank.taps_earlier));
  };
  PlateOutputs out;
  out.left = tap(right.delay, 266) + tap(right.delay, 2974) - tap(right.allpass, 1913) + tap(right.last, 1996) -
             tap(left.delay, 1990) - tap(left.allpass, 187) - tap(left.last, 1066);
  out.right = tap(left.delay, 353) + tap(left.delay, 3627) - tap(left.allpass, 1228) + tap(left.last, 2673) -
              tap(right.delay, 2111) - tap(right.allpass, 335) - tap(right.last, 121);
  out.moving_left = flow.line_of(left.moving);
  out.moving_right = flow.line_of(right.moving);
  return out;
}

}  // namespace diffverb
