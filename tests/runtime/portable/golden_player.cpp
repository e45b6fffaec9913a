// golden_player FOLDER TOLERANCE: plays every golden file of a folder and compares with what it played when it was written.
// For machines that have no test library.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "../golden.h"
#include "runtime/safetensors.h"

using namespace diffverb::runtime;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

/// The largest difference over the peak, or -1 and a line on stderr.
double difference_of(const std::filesystem::path& path) {
  const FileBytes file = read_file(path, 1 << 20);
  const FileBytes stored = read_file(path.string() + ".f32", 1 << 20);
  const testing::GoldenSound sound = testing::play_golden(std::span<const std::uint8_t>(file.bytes));
  std::vector<float> expected(stored.bytes.size() / sizeof(float));
  if (!expected.empty()) std::memcpy(expected.data(), stored.bytes.data(), stored.bytes.size());
  for (const std::string& error : {file.error, stored.error, sound.error}) {
    if (!error.empty()) return std::fprintf(stderr, "%s: %s\n", path.string().c_str(), error.c_str()), -1;
  }
  if (expected.empty() || sound.samples.size() != expected.size())
    return std::fprintf(stderr, "%s: another length\n", path.string().c_str()), -1;
  double peak = 0, difference = 0;
  for (std::size_t n = 0; n < expected.size(); ++n) {
    const double y = static_cast<double>(sound.samples[n]), e = static_cast<double>(expected[n]);
    if (!std::isfinite(y)) return std::fprintf(stderr, "%s: not a number\n", path.string().c_str()), -1;
    peak = std::max(peak, std::abs(e));
    difference = std::max(difference, std::abs(e - y));
  }
  return difference / peak;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return std::fprintf(stderr, "golden_player FOLDER TOLERANCE\n"), 2;
  const double tolerance = std::atof(arguments[2]);
  int played = 0, failed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
    const auto extension = entry.path().extension();
    if (extension != ".safetensors" && extension != ".json") continue;
    const double difference = difference_of(entry.path());
    std::printf("%-45s %.2g\n", entry.path().filename().string().c_str(), difference);
    failed += difference >= 0 && difference <= tolerance ? 0 : 1;
    ++played;
  }
  std::printf("%s: %d files played, %d differ by more than %g of their peak\n", Engine::target(), played, failed,
              tolerance);
  return played > 0 && failed == 0 ? 0 : 1;
}
