#pragma once

#include <string>

namespace diffverb::runtime {

/// Why nothing was written, and the exit code: 1 usage, 2 a file, 4 something else.
struct RenderFailure {
  int code;
  std::string message;
};

}  // namespace diffverb::runtime
