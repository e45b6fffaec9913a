#include "runtime/test_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace diffverb::runtime {

using nlohmann::json;

json parse_test(const std::string& text) {
  constexpr int kDeepest = 2;
  bool too_deep = false;
  json parsed = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json&) {
        const bool opens = event == json::parse_event_t::array_start || event == json::parse_event_t::object_start;
        too_deep = too_deep || (opens && depth > kDeepest);
        return !(opens && depth > kDeepest);
      },
      false);
  return too_deep || !parsed.is_object() ? json() : parsed;
}

bool read_numbers(const json& list, std::size_t most, std::vector<float>& out) {
  if (!list.is_array() || list.empty() || list.size() > most) return false;
  for (const json& value : list) {
    if (!value.is_number() || !(std::abs(value.get<double>()) <= 1e9)) return false;
    out.push_back(value.get<float>());
  }
  return true;
}

std::string read_tolerance(const json& test, double& tolerance) {
  tolerance = test["tolerance"].get<double>();
  if (tolerance > 0 && tolerance <= 0.01) return {};
  return "metadata 'self_test': its tolerance is not within 0 to 0.01";
}

std::string compare_played(const char* row, const std::vector<std::vector<float>>& expected,
                           const std::vector<std::vector<float>>& played, double tolerance) {
  double peak = 0;
  for (const auto& channel : expected) {
    for (const float y : channel) peak = std::max(peak, std::abs(static_cast<double>(y)));
  }
  for (std::size_t o = 0; o < expected.size(); ++o) {
    for (std::size_t n = 0; n < expected[o].size(); ++n) {
      if (std::abs(static_cast<double>(played[o][n]) - expected[o][n]) <= tolerance * peak + 1e-30) continue;
      return std::string("the self-test fails: ") + row + " " + std::to_string(o) + " plays another sample " +
             std::to_string(n) + " than the file states";
    }
  }
  return {};
}

}  // namespace diffverb::runtime
