// What fuzzing found and kept, and what any file can do to the loaders, without a fuzzer: every file of corpus/ and golden/,
// and some changes of each, are fed to all of them in little memory.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "runtime/fuzz/feed.h"
#include "runtime/fuzz/mutate.h"
#include "runtime/safetensors.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

struct NamedFile {
  std::string name;
  Bytes bytes;
};

std::vector<NamedFile> files_of(const std::string& folder) {
  std::vector<NamedFile> files;
  for (const auto& entry : fs::directory_iterator(fs::path(DIFFVERB_SOURCE_DIR) / "tests/runtime" / folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".f32" || extension == ".md" || entry.path().filename() == "SHA256SUMS") continue;
    FileBytes file = read_file(entry.path(), 1 << 20);
    EXPECT_EQ(file.error, "") << entry.path();
    files.push_back({entry.path().filename().string(), std::move(file.bytes)});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

/// Feeds all files in a process of its own whose memory is what it has now and `megabytes` more. Returns an empty string, or
/// the first file that did harm: a thing that should never be seen, a crash, or a request beyond that memory.
std::string harm_of(const std::vector<NamedFile>& files, std::size_t megabytes) {
  const fs::path report = fs::path(::testing::TempDir()) / ("corpus_" + std::to_string(::getpid()));
  const pid_t child = ::fork();
  if (child == 0) {
#if !defined(__SANITIZE_ADDRESS__)  // the sanitizer reserves terabytes
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t most = static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (megabytes << 20);
    const rlimit limit{most, most};
    ::setrlimit(RLIMIT_AS, &limit);
#endif
    for (const NamedFile& file : files) {
      std::ofstream(report) << file.name << ": a crash";
      std::string harm;
      try {
        harm = feed_loaders(file.bytes);
      } catch (const std::exception& error) {
        harm = std::string("throws ") + error.what();
      }
      if (harm.empty()) continue;
      std::ofstream(report) << file.name << ": " << harm;
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  std::string said;
  std::getline(std::ifstream(report), said);
  fs::remove(report);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::string() : said;
}

/// Another value for some bytes.
std::size_t change_bytes(std::uint8_t* data, std::size_t size, std::size_t most) {
  if (size == 0) return 0;
  static std::minstd_rand random(1);
  for (std::size_t left = 1 + random() % 4; left > 0; --left)
    data[random() % size] = static_cast<std::uint8_t>(random());
  return random() % 8 == 0 ? random() % size : std::min(size, most);
}

std::vector<NamedFile> changed(const std::vector<NamedFile>& files, std::uint32_t times) {
  std::vector<NamedFile> out;
  for (const NamedFile& file : files) {
    for (std::uint32_t seed = 1; seed <= times; ++seed)
      out.push_back({file.name + " " + std::to_string(seed), mutate_file(file.bytes, 1 << 16, seed, change_bytes)});
  }
  return out;
}

constexpr std::size_t kMegabytes = 700;

TEST(RuntimeCorpus, WhatWasFoundDoesNoHarm) {
  const auto files = files_of("corpus");
  EXPECT_GT(files.size(), 100u);
  std::size_t bytes = 0;
  for (const NamedFile& file : files) bytes += file.bytes.size();
  EXPECT_LT(bytes, 1u << 20);
  EXPECT_EQ(harm_of(files, kMegabytes), "");
}

TEST(RuntimeCorpus, ChangesOfGoldenFilesDoNoHarm) {
  const auto files = changed(files_of("golden"), 25);
  EXPECT_GE(files.size(), 300u);
  EXPECT_EQ(harm_of(files, kMegabytes), "");
}

TEST(RuntimeCorpus, ChangesReachWhatStandsBehindTheHash) {
  const auto files = files_of("golden");
  int right = 0, other = 0;
  for (const NamedFile& file : changed(files, 40)) {
    const Container container = parse_container(file.bytes, true);
    right += container.ok() ? 1 : 0;
    other += std::none_of(files.begin(), files.end(), [&](const auto& f) { return f.bytes == file.bytes; }) ? 1 : 0;
  }
  EXPECT_GT(right, 250);
  EXPECT_GT(other, 400);
}

/// A file of a kilobyte that asks for as much as the format lets it: delays, shapes with an extent of 0.
Bytes asking(const std::vector<std::int32_t>& delays, const std::vector<std::uint64_t>& b_shape) {
  const auto lines = static_cast<std::uint64_t>(delays.size());
  std::vector<float> zeros(delays.size() * delays.size() + 1), gains(delays.size() + 1);
  std::iota(gains.begin(), gains.end(), 1.0f);  // lines that are alike would be played as one
  const auto bytes_of = [](const auto& values, std::size_t count) {
    return std::span(reinterpret_cast<const std::uint8_t*>(values.data()), count * sizeof values[0]);
  };
  std::uint64_t b = 1;
  for (const std::uint64_t extent : b_shape) b *= extent;
  std::map<std::string, Tensor, std::less<>> tensors{
      {"A", {"F32", {lines, lines}, bytes_of(zeros, lines * lines)}},
      {"B", {"F32", b_shape, bytes_of(gains, b)}},
      {"C", {"F32", {1, lines}, bytes_of(gains, lines)}},
      {"D", {"F32", {1, b_shape[1]}, bytes_of(zeros, b_shape[1] == 1 ? 1 : 0)}},
      {"delays", {"I32", {lines}, bytes_of(delays, delays.size())}},
      {"line_sos", {"F64", {lines, 0, 5}, {}}},
      {"output_sos", {"F64", {1, 0, 5}, {}}},
      {"early", {"F32", {1, b_shape[1], 0}, {}}}};
  return serialize_container(tensors, {{"format", "diffverb-runtime"},
                                       {"version", "1.0"},
                                       {"kind", "delay_network"},
                                       {"sample_rate_hz", "48000"},
                                       {"early_ms", "0"},
                                       {"self_test", R"({"input":[1],"output":[[0]],"tolerance":0.0001})"}})
      .bytes;
}

TEST(RuntimeCorpus, AKilobyteCannotAskForAGigabyte) {
  std::vector<NamedFile> files;
  const Bytes longest = asking(std::vector<std::int32_t>(16, 1 << 22), {16, 1});
  EXPECT_LT(longest.size(), 2600u);
  files.push_back({"16 lines of 87 s", longest});
  EXPECT_NE(harm_of(files, 100), "");  // it takes 270: what goes beyond the memory given is seen
  files.push_back({"a billion inputs", asking({}, {0, 1 << 30})});
  EXPECT_EQ(harm_of(files, kMegabytes), "");
}

}  // namespace
}  // namespace diffverb::runtime
