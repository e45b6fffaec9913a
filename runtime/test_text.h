#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace diffverb::runtime {

/// What the self-tests of networks and banks have in common: an input of noise, and what is played of it.
constexpr std::size_t kTestInput = 16;      // samples
constexpr double kWrittenTolerance = 1e-4;  // relative to the largest output

/// Values within -1 .. 1, the same in every file.
class TestNoise {
 public:
  double next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<double>(static_cast<std::int32_t>(state_) >> 16) / 32768.0;
  }

 private:
  std::uint32_t state_ = 12345;
};

/// An object of lists and lists in lists; null for anything else or deeper.
nlohmann::json parse_test(const std::string& text);
/// A list of 1 to `most` numbers; false for anything else.
bool read_numbers(const nlohmann::json& list, std::size_t most, std::vector<float>& out);
/// Returns an empty string, or that the test's "tolerance" is none.
std::string read_tolerance(const nlohmann::json& test, double& tolerance);

/// Compares what was played [rows][>= expected] with what a file states. Returns an empty string, or where they differ; `row`
/// names one: "output".
std::string compare_played(const char* row, const std::vector<std::vector<float>>& expected,
                           const std::vector<std::vector<float>>& played, double tolerance);

}  // namespace diffverb::runtime
