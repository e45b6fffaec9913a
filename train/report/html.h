#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace diffverb::report {

/// Text as it may stand between HTML tags, inside a quoted attribute and inside SVG: & < > " ' are replaced, control
/// characters and bytes that are not UTF-8 become U+FFFD. Everything that comes from outside passes through here.
std::string escape(std::string_view text);

/// Bytes in base64 (RFC 4648, padded), as data: addresses want them.
std::string base64(const std::vector<std::uint8_t>& bytes);

/// `value` with `decimals` digits behind the point and no sign on zero; an em dash where it is not a finite number.
std::string number(double value, int decimals);

/// `value` with as many decimals as leave about `digits` significant ones (0.0123, 1.23, 123).
std::string significant(double value, int digits = 3);

/// A frequency as bands are called: 63, 125, 1k, 1.25k, 16k.
std::string hertz(double hz);

}  // namespace diffverb::report
