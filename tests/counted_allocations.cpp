#include "tests/counted_allocations.h"

#include <cstddef>

#if DIFFVERB_INTERCEPTS
namespace diffverb {
namespace {

thread_local long long calls = 0, left = -1;  // until the one that fails; below 0: none does
thread_local bool failed = false;

/// Counts a call; false where it is the one to fail.
bool may_allocate() {
  ++calls;
  if (left < 0 || left-- > 0) return true;
  failed = true;
  return false;
}

}  // namespace

long long allocations() { return calls; }
FailingAllocation::FailingAllocation(long long allowed) { left = allowed, failed = false; }
FailingAllocation::~FailingAllocation() { left = -1; }
bool FailingAllocation::has_failed() { return failed; }

}  // namespace diffverb

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
void* malloc(std::size_t size) { return diffverb::may_allocate() ? __libc_malloc(size) : nullptr; }
void* calloc(std::size_t count, std::size_t size) {
  return diffverb::may_allocate() ? __libc_calloc(count, size) : nullptr;
}
void* realloc(void* memory, std::size_t size) {
  return diffverb::may_allocate() ? __libc_realloc(memory, size) : nullptr;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return diffverb::may_allocate() ? __libc_memalign(alignment, size) : nullptr;
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = diffverb::may_allocate() ? __libc_memalign(alignment, size) : nullptr;
  return *memory ? 0 : 12;  // ENOMEM
}
void free(void* memory) {
  if (memory) ++diffverb::calls;
  __libc_free(memory);
}
}

#else
namespace diffverb {
long long allocations() { return -1; }
FailingAllocation::FailingAllocation(long long) {}
FailingAllocation::~FailingAllocation() = default;
bool FailingAllocation::has_failed() { return false; }
}  // namespace diffverb
#endif
