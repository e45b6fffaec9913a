// libFuzzer driver of every loader; CONTRIBUTING.md says how it is run.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <span>

#include "runtime/fuzz/feed.h"
#include "runtime/fuzz/mutate.h"

using namespace diffverb::runtime;  // NOLINT(google-build-using-namespace): a program of one file

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

std::size_t give_back(const std::vector<std::uint8_t>& file, std::uint8_t* data, std::size_t most) {
  const std::size_t size = std::min(file.size(), most);
  std::copy_n(file.begin(), size, data);
  return size;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return give_back(mutate_file({data, size}, most, seed, LLVMFuzzerMutate), data, most);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                                 const std::uint8_t* second, std::size_t second_size, std::uint8_t* out,
                                                 std::size_t most, unsigned seed) {
  return give_back(cross_files({first, first_size}, {second, second_size}, most, seed), out, most);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string error = feed_loaders({data, size});
  if (error.empty()) return 0;
  std::fprintf(stderr, "%s\n", error.c_str());
  __builtin_trap();
}
