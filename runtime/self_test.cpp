#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "runtime/network_check.h"
#include "runtime/reference.h"
#include "runtime/render.h"

namespace diffverb::runtime {
namespace {

using nlohmann::json;

constexpr int kInputSamples = 16;
constexpr int kMaxSamples = 4096, kMaxValues = 16384;
constexpr double kTolerance = 1e-4;

/// A list of numbers, or one list of numbers an input; false for anything else.
bool read_numbers(const json& list, std::vector<float>& out) {
  if (!list.is_array() || list.empty() || list.size() > 65536) return false;
  for (const json& value : list) {
    if (!value.is_number() || !(std::abs(value.get<double>()) <= 1e9)) return false;
    out.push_back(value.get<float>());
  }
  return true;
}

bool read_rows(const json& lists, std::size_t rows, std::vector<std::vector<float>>& out) {
  if (!lists.is_array() || lists.size() != rows) return false;
  for (const json& list : lists) {
    if (!read_numbers(list, out.emplace_back())) return false;
  }
  return true;
}

}  // namespace

std::string make_self_test(const DelayNetworkWeights& w) {
  // Long enough that every line has been heard once, and a response where that is all there is; short enough for a
  // header.
  int longest = w.lines > 0 ? 0 : std::max(w.early_samples, w.moving.samples);
  for (int j = 0; j < w.lines; ++j)
    longest = std::max(longest, w.delays[static_cast<std::size_t>(j)] + static_cast<int>(std::ceil(w.depth_of(j))));
  for (const auto& term : w.terms) longest = std::max(longest, term->memory_samples());
  const int samples = std::min({longest + 64, kMaxSamples, std::max(64, kMaxValues / w.outputs)});
  std::vector<std::vector<double>> input;
  json written = json::array();
  std::uint32_t random = 12345;
  for (int i = 0; i < w.inputs; ++i) {
    auto& channel = input.emplace_back(static_cast<std::size_t>(samples), 0.0);
    json list = json::array();
    for (std::size_t n = 0; n < kInputSamples; ++n) {
      random = random * 1664525u + 1013904223u;
      channel[n] = static_cast<double>(static_cast<std::int32_t>(random) >> 16) / 32768.0;
      list.push_back(channel[n]);
    }
    written.push_back(std::move(list));
  }
  json text{{"input", w.inputs == 1 ? written[0] : written}, {"tolerance", kTolerance}, {"output", json::array()}};
  for (const auto& channel : reference_response(w, input, samples)) {
    json list = json::array();
    for (const double y : channel) list.push_back(static_cast<float>(y));
    text["output"].push_back(std::move(list));
  }
  return text.dump();
}

std::string run_self_test(const std::shared_ptr<const Model>& model, const std::string& text) {
  const std::string unreadable =
      "metadata 'self_test' is not {\"input\", \"output\", \"tolerance\"} of this network's channels";
  bool too_deep = false;
  const json test = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json&) {
        const bool opens = event == json::parse_event_t::array_start || event == json::parse_event_t::object_start;
        too_deep = too_deep || (opens && depth > 2);
        return !(opens && depth > 2);
      },
      false);
  if (too_deep || !test.is_object() || !test.contains("input") || !test.contains("output") ||
      !test.contains("tolerance"))
    return unreadable;
  std::vector<std::vector<float>> input, expected;
  if (test["input"].is_array() && !test["input"].empty() && test["input"][0].is_number()) {
    std::vector<float> same;
    if (!read_numbers(test["input"], same)) return unreadable;
    input.assign(static_cast<std::size_t>(model->inputs()), same);
  } else if (!read_rows(test["input"], static_cast<std::size_t>(model->inputs()), input)) {
    return unreadable;
  }
  if (!read_rows(test["output"], static_cast<std::size_t>(model->outputs()), expected) ||
      !test["tolerance"].is_number())
    return unreadable;
  const double tolerance = test["tolerance"].get<double>();
  if (!(tolerance > 0 && tolerance <= 0.01)) return "metadata 'self_test': its tolerance is not within 0 to 0.01";
  std::size_t frames = 0;
  double peak = 0;
  for (const auto& channel : expected) {
    frames = std::max(frames, channel.size());
    for (const float y : channel) peak = std::max(peak, std::abs(static_cast<double>(y)));
  }
  for (auto& channel : input) channel.resize(frames, 0.0f);
  const auto played = render(model, input, 0);
  for (std::size_t o = 0; o < expected.size(); ++o) {
    for (std::size_t n = 0; n < expected[o].size(); ++n) {
      if (std::abs(static_cast<double>(played[o][n]) - expected[o][n]) <= tolerance * peak + 1e-30) continue;
      return "the self-test fails: output " + std::to_string(o) + " plays another sample " + std::to_string(n) +
             " than the file states";
    }
  }
  return {};
}

}  // namespace diffverb::runtime
