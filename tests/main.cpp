#include <gtest/gtest.h>

#include <cstdio>

/// Runs the tests; a filter that matches none is a failure, so that a renamed suite cannot leave a label empty.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const bool only_listed = testing::GTEST_FLAG(list_tests);
  if (!only_listed && testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    std::fprintf(stderr, "no test matches the filter\n");
    return 1;
  }
  return result;
}
