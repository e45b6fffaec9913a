#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// A count that is known to be 0 or more, as containers take it.
inline std::size_t size(int count) { return static_cast<std::size_t>(count); }

}  // namespace diffverb::runtime
