#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/live/controls.h"

namespace diffverb::ui {

/// A control's value as people read it: "-3.0 dB", "1.25 kHz", "12.5 ms", "on".
std::string value_text(runtime::Control control, double value);

/// What someone typed, in the control's unit and clamped to its range; nothing where it is not a number. The unit may be
/// left out; k stands for a thousand, s for seconds, a comma for the decimal point; a switch takes on, off, 1 and 0.
std::optional<double> parse_value(runtime::Control control, std::string_view text);

/// Seconds as a readout: "2.31 s", "85 ms".
std::string seconds_text(double seconds);
/// A frequency: "125 Hz", "2 kHz".
std::string hertz_text(double hz);

}  // namespace diffverb::ui
