// at::parallel_for is a template: compiled without OpenMP it is a loop of one thread, silently. Every target that links
// diffverb::torch is to be compiled with it.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

namespace diffverb {
namespace {

TEST(Parallel, TwoThreadsTakePart) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  at::parallel_for(0, 2, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  at::set_num_threads(before);
  EXPECT_EQ(seen.size(), 2U);
}

}  // namespace
}  // namespace diffverb
