#include "plugin/ui/view/knob.h"

#include <algorithm>
#include <numbers>

namespace diffverb::ui::knob {
namespace {

using runtime::Control;

double clamped(double normal) { return std::clamp(normal, 0.0, 1.0); }
bool is_switch(Control control) { return runtime::info(control).taper == runtime::Taper::kSwitch; }

constexpr double kWheelStep = 0.02, kKeyStep = 0.01, kPageStep = 0.1;
constexpr float kOpenTurns = 0.25f;  // of a full turn, at the bottom

}  // namespace

double dragged(double normal, float up, bool fine) {
  return clamped(normal + static_cast<double>(up / kWholeWayPixels) * (fine ? kFine : 1));
}

double scrolled(Control control, double normal, float steps, bool fine) {
  if (steps == 0) return clamped(normal);
  if (is_switch(control)) return steps > 0 ? 1 : 0;
  return clamped(normal + static_cast<double>(steps) * kWheelStep * (fine ? kFine : 1));
}

double stepped(Control control, double normal, Step step, bool fine) {
  const bool toggles = is_switch(control);
  const double small = toggles ? 1 : kKeyStep * (fine ? kFine : 1), large = toggles ? 1 : kPageStep;
  switch (step) {
    case Step::kUp:
      return clamped(normal + small);
    case Step::kDown:
      return clamped(normal - small);
    case Step::kPageUp:
      return clamped(normal + large);
    case Step::kPageDown:
      return clamped(normal - large);
    case Step::kLowest:
      return 0;
    case Step::kHighest:
      return 1;
    case Step::kInitial:
      return runtime::to_normal(control, runtime::info(control).initial);
  }
  return clamped(normal);
}

float angle(double normal) {
  const float turns = 0.25f + kOpenTurns / 2 + static_cast<float>(clamped(normal)) * (1 - kOpenTurns);
  return 2 * std::numbers::pi_v<float> * turns;
}

double arc_from(Control control) {
  const runtime::ControlInfo& info = runtime::info(control);
  return info.lowest < 0 && info.lowest == -info.highest ? runtime::to_normal(control, 0) : 0;
}

}  // namespace diffverb::ui::knob
