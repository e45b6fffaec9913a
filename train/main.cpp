#include <malloc.h>

#include <exception>
#include <string>
#include <vector>

#include "core/log.h"
#include "train/cli.h"
#include "train/failure.h"

int main(int argc, char** argv) {
  // glibc gives large blocks back to the system at once, and every tensor would be paged in anew.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  try {
    return diffverb::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception&) {
    const diffverb::Failure failure = diffverb::current_failure();
    // To stderr, whatever --log-level says, and to the log of the run that ended so.
    diffverb::log().set_level(diffverb::LogLevel::kError);
    diffverb::log().error(failure.message);
    return failure.exit_code;
  }
}
