#pragma once

#include <filesystem>
#include <string>

namespace diffverb {

/// What went wrong, for the one who started it: a line, and the exit code of its kind.
struct Failure {
  std::string message;
  int exit_code = 4;
};

/// Of the exception that is being handled; within a catch block.
Failure current_failure();

/// A message that says which file it is about: by itself, or put before it.
std::string message_about(const std::filesystem::path& file, const std::string& message);

}  // namespace diffverb
