#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace diffverb::report {

/// One microphone or loudspeaker made to sound as another (`diffverb data convert`), by frequency.
struct ConversionCurves {
  std::string from, to;
  std::vector<double> hz, before_db, after_db, gain_db;  // error without and with the filter, and the filter
  double most_gain_db = 0;
};

/// One HTML page: the error before and after, and the filter's gain with its limit. Throws a DataError where it cannot be
/// written.
void write_conversion_page(const ConversionCurves& curves, const std::filesystem::path& out_html);

}  // namespace diffverb::report
