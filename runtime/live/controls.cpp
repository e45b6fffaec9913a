#include "runtime/live/controls.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr std::array<ControlInfo, static_cast<std::size_t>(Control::kCount)> kControls{{
    {"input_gain_db", "Input Gain", "dB", -140, 12, -3, Taper::kCubic, "Level of what is sent into the reverb."},
    {"x", "x", "", 0, 9, 0, Taper::kLinear, "First coordinate of the room in a bank or an autoencoder."},
    {"y", "y", "", 0, 9, 0, Taper::kLinear, "Second coordinate of the room in a bank or an autoencoder."},
    {"z", "z", "", 0, 9, 0, Taper::kLinear, "Third coordinate of the room in a bank or an autoencoder."},
    {"width", "Width", "", -4, 4, 0, Taper::kLinear,
     "How far apart left and right are in a bank or an autoencoder: 0 is mono, 1 stereo, below 0 the sides change."},
    {"predelay_ms", "Pre-delay", "ms", 0, 100, 0, Taper::kLinear, "Silence before the reverberation."},
    {"lowpass_on", "Lowpass", "", 0, 1, 0, Taper::kSwitch, "Takes high frequencies out of the reverberation."},
    {"lowpass_hz", "Lowpass Cutoff", "Hz", 500, 20000, 20000, Taper::kLogarithmic, "Above it the low-pass begins."},
    {"highpass_on", "Highpass", "", 0, 1, 0, Taper::kSwitch, "Takes low frequencies out of the reverberation."},
    {"highpass_hz", "Highpass Cutoff", "Hz", 20, 5000, 20, Taper::kLogarithmic, "Below it the high-pass begins."},
    {"mix_percent", "Mix", "%", 0, 100, 100, Taper::kLinear, "0 is the dry sound alone, 100 the reverberation alone."},
    {"decay", "Decay", "x", 0.1, 4, 1, Taper::kLogarithmic, "Times every decay time of the room."},
    {"size", "Size", "x", 0.5, 2, 1, Taper::kLogarithmic, "Times every distance in the room; decay times stay."},
    {"damping", "Damping", "", -1, 1, 0, Taper::kLinear,
     "Shortens the decay of high frequencies above 0 and lengthens it below."},
    {"early_late_db", "Early/Late", "dB", -24, 24, 0, Taper::kLinear,
     "Level of what comes after 80 ms against what comes before."},
    {"distance_m", "Distance", "m", 0.5, 50, 1, Taper::kLogarithmic,
     "From the source: the direct sound's level, the gap before the room and the loss of high frequencies in the air; "
     "at 1 m the dry sound is as it is."},
    {"modulation", "Modulation", "x", 0, 2, 1, Taper::kLinear, "Times the depth of what moves in the reverb."},
    {"freeze", "Freeze", "", 0, 1, 0, Taper::kSwitch, "Holds what sounds at this moment."},
}};

}  // namespace

std::span<const ControlInfo> controls() { return kControls; }

std::optional<Control> find_control(std::string_view id) {
  for (std::size_t i = 0; i < kControls.size(); ++i) {
    if (id == kControls[i].id) return static_cast<Control>(i);
  }
  return {};
}

ControlValues initial_values() {
  ControlValues values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = kControls[i].initial;
  return values;
}

double to_normal(Control control, double value) {
  const ControlInfo& c = info(control);
  if (!(value > c.lowest)) return 0;  // also what is not a number
  if (value >= c.highest) return 1;
  const double share = (value - c.lowest) / (c.highest - c.lowest);
  switch (c.taper) {
    case Taper::kLogarithmic:
      return std::log(value / c.lowest) / std::log(c.highest / c.lowest);
    case Taper::kCubic:
      return share * share * share;
    case Taper::kSwitch:
      return share < 0.5 ? 0 : 1;
    default:
      return share;
  }
}

double from_normal(Control control, double normal) {
  const ControlInfo& c = info(control);
  if (!(normal > 0)) return c.lowest;
  if (normal >= 1) return c.highest;
  const auto along = [&](double share) { return c.lowest + share * (c.highest - c.lowest); };
  switch (c.taper) {
    case Taper::kLogarithmic:
      return c.lowest * std::pow(c.highest / c.lowest, normal);
    case Taper::kCubic:
      return along(std::cbrt(normal));
    case Taper::kSwitch:
      return normal < 0.5 ? c.lowest : c.highest;
    default:
      return along(normal);
  }
}

}  // namespace diffverb::runtime
