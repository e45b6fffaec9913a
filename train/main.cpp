#include <c10/util/Exception.h>
#include <malloc.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "train/cli.h"

namespace {

/// To stderr, whatever --log-level says, and to the log of the run that ended so.
int report(const std::string& message, int code) {
  std::string line = message;
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  diffverb::log().set_level(diffverb::LogLevel::kError);
  diffverb::log().error(line);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // glibc gives large blocks back to the system at once, and every tensor would be paged in anew.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  try {
    return diffverb::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const diffverb::Error& error) {
    return report(error.what(), error.exit_code());
  } catch (const c10::Error& error) {
    return report(error.what_without_backtrace(), 4);
  } catch (const std::bad_alloc&) {
    return report("out of memory", 4);
  } catch (const std::exception& error) {
    return report(error.what(), 4);
  }
}
