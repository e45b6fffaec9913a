#include "runtime/bank_self_test.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/response_player.h"

namespace diffverb::runtime {
namespace {

using nlohmann::json;

constexpr int kTestInput = 16, kTestOutput = 2048;
constexpr double kTolerance = 1e-4;

std::array<int, 3> test_point(const ResponseBank& bank) {
  return {bank.size(0) / 2, bank.size(1) / 2, bank.size(2) / 2};
}

bool read_list(const json& list, std::size_t most, std::vector<float>& out) {
  if (!list.is_array() || list.empty() || list.size() > most) return false;
  for (const json& value : list) {
    if (!value.is_number() || !(std::abs(value.get<double>()) <= 1e9)) return false;
    out.push_back(value.get<float>());
  }
  return true;
}

/// Lists in lists in an object, and nothing deeper.
json parse_flat(const std::string& text) {
  bool too_deep = false;
  json parsed = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json&) {
        const bool opens = event == json::parse_event_t::array_start || event == json::parse_event_t::object_start;
        too_deep = too_deep || (opens && depth > 2);
        return !(opens && depth > 2);
      },
      false);
  return too_deep ? json() : parsed;
}

}  // namespace

std::string make_bank_test(const ResponseBank& bank) {
  std::vector<double> input;
  std::uint32_t random = 12345;
  for (int n = 0; n < kTestInput; ++n) {
    random = random * 1664525u + 1013904223u;
    input.push_back(static_cast<double>(static_cast<std::int32_t>(random) >> 16) / 32768.0);
  }
  const auto point = test_point(bank);
  json test{{"point", point}, {"input", input}, {"tolerance", kTolerance}, {"output", json::array()}};
  const int count = std::min(bank.samples + kTestInput - 1, kTestOutput);
  for (int channel = 0; channel < 2; ++channel) {
    const auto h = bank.response(point[0], point[1], point[2], channel);
    json output = json::array();
    for (int n = 0; n < count; ++n) {
      double sum = 0;
      for (int i = 0; i < kTestInput; ++i) {
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
  const json test = parse_flat(text);
  if (!test.is_object()) return unreadable;
  for (const char* key : {"point", "input", "output", "tolerance"}) {
    if (!test.contains(key)) return unreadable;
  }
  std::vector<float> place, input, expected[2];
  if (!read_list(test["point"], 3, place) || place.size() != 3 || !read_list(test["input"], 4096, input) ||
      !test["output"].is_array() || test["output"].size() != 2 || !test["tolerance"].is_number())
    return unreadable;
  for (std::size_t a = 0; a < 3; ++a) {
    if (!(place[a] >= 0 && place[a] < static_cast<float>(bank.axes[a].size()) && place[a] == std::floor(place[a])))
      return unreadable;
  }
  for (std::size_t c = 0; c < 2; ++c) {
    if (!read_list(test["output"][c], 65536, expected[c])) return unreadable;
  }
  const double tolerance = test["tolerance"].get<double>();
  if (!(tolerance > 0 && tolerance <= 0.01)) return "metadata 'self_test': its tolerance is not within 0 to 0.01";
  const auto at = [&](std::size_t a) { return static_cast<int>(place[a]); };
  ResponsePlayer player;
  player.prepare(bank.response(at(0), at(1), at(2), 0), bank.response(at(0), at(1), at(2), 1));
  const std::size_t frames = std::max(expected[0].size(), expected[1].size());
  input.resize(std::max(frames, input.size()), 0.0f);
  std::vector<float> left(input.size()), right(input.size());
  const float* in[] = {input.data(), input.data()};
  float* out[] = {left.data(), right.data()};
  player.process(in, out, static_cast<int>(input.size()));
  double peak = 0;
  for (const auto& channel : expected) {
    for (const float y : channel) peak = std::max(peak, std::abs(static_cast<double>(y)));
  }
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < expected[c].size(); ++n) {
      if (std::abs(static_cast<double>(out[c][n]) - expected[c][n]) <= tolerance * peak + 1e-30) continue;
      return "the self-test fails: channel " + std::to_string(c) + " plays another sample " + std::to_string(n) +
             " than the file states";
    }
  }
  return {};
}

}  // namespace diffverb::runtime
