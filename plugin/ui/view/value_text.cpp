#include "plugin/ui/view/value_text.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iomanip>
#include <locale>
#include <sstream>

namespace diffverb::ui {
namespace {

using runtime::Control;
using runtime::ControlInfo;
using runtime::Taper;

// The classic locale: hosts set ones whose decimal point is a comma.
std::string fixed(double value, int decimals) {
  const double unit = std::pow(10.0, -decimals);
  if (std::abs(value) < unit / 2) value = 0;  // no "-0.0"
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::fixed << std::setprecision(decimals) << value;
  return text.str();
}

// Three digits, at most two of them behind the point.
int decimals_of(double value) {
  const double size = std::abs(value);
  return size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
}

std::string lower_case(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!std::isspace(static_cast<unsigned char>(c)))
      out += c == ',' ? '.' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// What a typed unit multiplies the number by; nothing for a unit that this control does not have.
std::optional<double> unit_factor(const ControlInfo& info, const std::string& typed) {
  const std::string own = lower_case(info.unit);
  if (typed.empty() || typed == own) return 1;
  if (own == "hz" && (typed == "k" || typed == "khz")) return 1000;
  if (own == "ms" && typed == "s") return 1000;
  if (own == "s" && typed == "ms") return 0.001;
  if (own == "m" && typed == "cm") return 0.01;
  return std::nullopt;
}

}  // namespace

std::string hertz_text(double hz) {
  if (hz < 999.5) return fixed(hz, hz < 99.95 ? 1 : 0) + " Hz";
  std::string text = fixed(hz / 1000, decimals_of(hz / 1000));
  while (text.find('.') != std::string::npos && (text.back() == '0' || text.back() == '.')) {
    const bool point = text.back() == '.';
    text.pop_back();
    if (point) break;
  }
  return text + " kHz";
}

std::string seconds_text(double seconds) {
  return seconds < 0.0995 ? fixed(seconds * 1000, 0) + " ms" : fixed(seconds, decimals_of(seconds)) + " s";
}

std::string value_text(Control control, double value) {
  const ControlInfo& info = runtime::info(control);
  if (info.taper == Taper::kSwitch) return value >= 0.5 ? "on" : "off";
  const std::string_view unit = info.unit;
  if (unit == "Hz") return hertz_text(value);
  const int decimals =
      unit == "dB" || unit == "ms" || unit == "%" ? std::min(1, decimals_of(value)) : decimals_of(value);
  const std::string number = fixed(value, decimals);
  return unit.empty() ? number : number + " " + info.unit;
}

std::optional<double> parse_value(Control control, std::string_view text) {
  const ControlInfo& info = runtime::info(control);
  const std::string typed = lower_case(text);
  if (info.taper == Taper::kSwitch) {
    if (typed == "on" || typed == "1") return 1;
    if (typed == "off" || typed == "0") return 0;
    return std::nullopt;
  }
  // Cut off before it is read: some libraries take letters such as the d of "3dB" for a part of the number.
  const std::size_t end = std::min(typed.size(), typed.find_first_not_of("+-.0123456789"));
  std::istringstream number(typed.substr(0, end));
  number.imbue(std::locale::classic());
  double value = 0;
  if (!(number >> value) || number.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  const auto factor = unit_factor(info, typed.substr(end));
  if (!factor) return std::nullopt;
  return std::clamp(value * *factor, info.lowest, info.highest);
}

}  // namespace diffverb::ui
