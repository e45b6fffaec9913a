#pragma once

#include <string>

namespace diffverb::report {

/// Style sheet of the page, light and dark, wide and narrow. The charts' own one comes from chart_css().
std::string page_css();

/// What moves in the page: values under the pointer, one chart large, one channel at a time, switching between two
/// sounds while they play. Without it the page still shows everything.
std::string page_script();

}  // namespace diffverb::report
