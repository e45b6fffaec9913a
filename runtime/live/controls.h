#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace diffverb::runtime {

/// What a player may turn while a reverb plays. The order is part of saved states: add at the end.
enum class Control {
  kInputGain,
  kX,
  kY,
  kZ,
  kWidth,
  kPredelay,
  kLowpassOn,
  kLowpass,
  kHighpassOn,
  kHighpass,
  kMix,
  kDecay,
  kSize,
  kDamping,
  kEarlyLate,
  kDistance,
  kModulation,
  kFreeze,
  kCount
};

/// How a control's range lies on a knob's way from 0 to 1: kCubic is the published plug-in's power of 1/3, by which most of
/// the way goes to the top of the range; kSwitch is 0 below the middle and 1 from there on.
enum class Taper { kLinear, kLogarithmic, kCubic, kSwitch };

struct ControlInfo {
  const char* id;    ///< as files and hosts know it, e.g. "predelay_ms"; never changes
  const char* name;  ///< as people read it
  const char* unit;  ///< "" where it has none
  double lowest, highest, initial;
  Taper taper;
  const char* help;  ///< one sentence
};

/// All controls in their order: the one place that states their ranges. The first eleven are those of the published
/// NeuralReverberator plug-in.
std::span<const ControlInfo> controls();
inline const ControlInfo& info(Control control) { return controls()[static_cast<std::size_t>(control)]; }
std::optional<Control> find_control(std::string_view id);

inline constexpr std::size_t kControlCount = static_cast<std::size_t>(Control::kCount);

/// A value of every control, in its own unit.
using ControlValues = std::array<double, kControlCount>;
inline double at(const ControlValues& values, Control control) { return values[static_cast<std::size_t>(control)]; }
/// Where all controls begin.
ControlValues initial_values();

/// A value on its way from 0 to 1 and back, by its taper; clamped.
double to_normal(Control control, double value);
double from_normal(Control control, double normal);

}  // namespace diffverb::runtime
