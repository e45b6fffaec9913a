#include "runtime/bank_self_test.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/response_player.h"
#include "runtime/test_text.h"

namespace diffverb::runtime {
namespace {

using nlohmann::json;

constexpr int kTestOutput = 2048;

std::array<int, 3> test_point(const ResponseBank& bank) {
  return {bank.size(0) / 2, bank.size(1) / 2, bank.size(2) / 2};
}

}  // namespace

std::string make_bank_test(const ResponseBank& bank) {
  std::vector<double> input;
  TestNoise noise;
  for (std::size_t n = 0; n < kTestInput; ++n) input.push_back(noise.next());
  const auto point = test_point(bank);
  json test{{"point", point}, {"input", input}, {"tolerance", kWrittenTolerance}, {"output", json::array()}};
  constexpr int kInput = static_cast<int>(kTestInput);
  const int count = std::min(bank.samples + kInput - 1, kTestOutput);
  for (int channel = 0; channel < 2; ++channel) {
    const auto h = bank.response(point[0], point[1], point[2], channel);
    json output = json::array();
    for (int n = 0; n < count; ++n) {
      double sum = 0;
      for (int i = 0; i < kInput; ++i) {
        if (n >= i && n - i < bank.samples)
          sum += input[static_cast<std::size_t>(i)] * h[static_cast<std::size_t>(n - i)];
      }
      output.push_back(static_cast<float>(sum));
    }
    test["output"].push_back(std::move(output));
  }
  return test.dump();
}

std::string run_bank_test(const ResponseBank& bank, const std::string& text) {
  const std::string unreadable =
      "metadata 'self_test' is not {\"point\", \"input\", \"output\", \"tolerance\"} of this bank";
  const json test = parse_test(text);
  if (!test.is_object()) return unreadable;
  for (const char* key : {"point", "input", "output", "tolerance"}) {
    if (!test.contains(key)) return unreadable;
  }
  std::vector<float> place, input;
  std::vector<std::vector<float>> expected(2);
  if (!read_numbers(test["point"], 3, place) || place.size() != 3 || !read_numbers(test["input"], 4096, input) ||
      !test["output"].is_array() || test["output"].size() != 2 || !test["tolerance"].is_number())
    return unreadable;
  for (std::size_t a = 0; a < 3; ++a) {
    if (!(place[a] >= 0 && place[a] < static_cast<float>(bank.axes[a].size()) && place[a] == std::floor(place[a])))
      return unreadable;
  }
  for (std::size_t c = 0; c < 2; ++c) {
    if (!read_numbers(test["output"][c], 65536, expected[c])) return unreadable;
  }
  double tolerance = 0;
  if (std::string error = read_tolerance(test, tolerance); !error.empty()) return error;
  const auto at = [&](std::size_t a) { return static_cast<int>(place[a]); };
  ResponsePlayer player;
  player.prepare(bank.response(at(0), at(1), at(2), 0), bank.response(at(0), at(1), at(2), 1));
  const std::size_t frames = std::max(expected[0].size(), expected[1].size());
  input.resize(std::max(frames, input.size()), 0.0f);
  std::vector<std::vector<float>> played(2, std::vector<float>(input.size()));
  const float* in[] = {input.data(), input.data()};
  float* out[] = {played[0].data(), played[1].data()};
  player.process(in, out, static_cast<int>(input.size()));
  return compare_played("channel", expected, played, tolerance);
}

}  // namespace diffverb::runtime
