#pragma once

#include "plugin/ui/view/geometry.h"
#include "runtime/live/controls.h"

namespace diffverb::ui {

/// How a knob is turned. All of it on the knob's own way from 0 to 1 (runtime::to_normal); results are clamped.
namespace knob {

inline constexpr float kWholeWayPixels = 220;  ///< of a drag, at 100 %
inline constexpr double kFine = 0.1;           ///< of the same movement with shift held

/// After a drag by `up` pixels at 100 %.
double dragged(double normal, float up, bool fine);
/// After the wheel has turned by `steps`. A switch goes where the wheel goes.
double scrolled(runtime::Control control, double normal, float steps, bool fine);

enum class Step { kUp, kDown, kPageUp, kPageDown, kLowest, kHighest, kInitial };
/// After a key.
double stepped(runtime::Control control, double normal, Step step, bool fine);

/// Where the pointer stands: radians from the x axis, clockwise, as the screen's y grows downwards.
float angle(double normal);
/// Where the coloured arc begins, on the way from 0 to 1: in the middle of a control that goes equally far to both
/// sides of zero, otherwise at 0.
double arc_from(runtime::Control control);

}  // namespace knob
}  // namespace diffverb::ui
