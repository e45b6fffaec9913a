#pragma once

#include <cstdlib>  // says __GLIBC__

// glibc's own allocator under the public names, for the whole program and what it opens: counted_allocations.cpp. A sanitizer
// has an allocator (and locks) of its own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DIFFVERB_INTERCEPTS 0
#endif
#endif
#ifndef DIFFVERB_INTERCEPTS
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define DIFFVERB_INTERCEPTS 0
#else
#define DIFFVERB_INTERCEPTS 1
#endif
#endif

namespace diffverb {

/// Calls of malloc, free and their like by this thread so far, so of operator new and delete too; -1 where the program has no
/// counter (sanitizers, no glibc).
long long allocations();

/// While it lives, one allocation of this thread fails, the one after `allowed` others. Without effect where allocations()
/// is -1.
class FailingAllocation {
 public:
  explicit FailingAllocation(long long allowed);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  static bool has_failed();  ///< since the last one was made
};

}  // namespace diffverb
