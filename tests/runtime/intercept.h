#pragma once

#include <functional>

#include "tests/counted_allocations.h"  // says DIFFVERB_INTERCEPTS

namespace diffverb::runtime::testing {

#if DIFFVERB_INTERCEPTS
/// How often this thread has called the allocator (malloc, free and all of their kind, so operator new and delete too), and
/// how often a lock, a condition variable or a semaphore of pthreads.
struct Calls {
  long long allocator = 0, locks = 0;
};
Calls calls_so_far();

/// What an action calls in this thread.
template <typename Action>
Calls calls_of(Action action) {
  const Calls before = calls_so_far();
  action();
  const Calls after = calls_so_far();
  return {after.allocator - before.allocator, after.locks - before.locks};
}

/// How a thread ended that the kernel forbids all system calls.
enum class Silence { kKept, kBroken, kNotPossibleHere, kFailed };

/// Runs in a child process: prepare() in its main thread, then act() in a thread of its own under a seccomp filter that kills
/// the process at any system call, while the main thread calls beside() again and again. kBroken where it was killed for
/// one, kFailed where act() returned false or anything else went wrong.
Silence without_system_calls(const std::function<void()>& prepare, const std::function<bool()>& act,
                             const std::function<void()>& beside);
#endif

}  // namespace diffverb::runtime::testing
