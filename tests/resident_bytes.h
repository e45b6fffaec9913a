#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace diffverb {

/// Bytes of this process in memory, or 0 where the system does not say.
inline std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace diffverb
