#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "runtime/network_check.h"
#include "runtime/reference.h"
#include "runtime/render.h"
#include "runtime/test_text.h"

namespace diffverb::runtime {
namespace {

using nlohmann::json;

constexpr int kMaxSamples = 4096, kMaxValues = 16384;
constexpr std::size_t kMostNumbers = 65536;

bool read_rows(const json& lists, std::size_t rows, std::vector<std::vector<float>>& out) {
  if (!lists.is_array() || lists.size() != rows) return false;
  for (const json& list : lists) {
    if (!read_numbers(list, kMostNumbers, out.emplace_back())) return false;
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
  TestNoise noise;
  for (int i = 0; i < w.inputs; ++i) {
    auto& channel = input.emplace_back(static_cast<std::size_t>(samples), 0.0);
    json list = json::array();
    for (std::size_t n = 0; n < kTestInput; ++n) {
      channel[n] = noise.next();
      list.push_back(channel[n]);
    }
    written.push_back(std::move(list));
  }
  json text{
      {"input", w.inputs == 1 ? written[0] : written}, {"tolerance", kWrittenTolerance}, {"output", json::array()}};
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
  const json test = parse_test(text);
  if (!test.is_object() || !test.contains("input") || !test.contains("output") || !test.contains("tolerance"))
    return unreadable;
  std::vector<std::vector<float>> input, expected;
  if (test["input"].is_array() && !test["input"].empty() && test["input"][0].is_number()) {
    std::vector<float> same;
    if (!read_numbers(test["input"], kMostNumbers, same)) return unreadable;
    input.assign(static_cast<std::size_t>(model->inputs()), same);
  } else if (!read_rows(test["input"], static_cast<std::size_t>(model->inputs()), input)) {
    return unreadable;
  }
  if (!read_rows(test["output"], static_cast<std::size_t>(model->outputs()), expected) ||
      !test["tolerance"].is_number())
    return unreadable;
  double tolerance = 0;
  if (std::string error = read_tolerance(test, tolerance); !error.empty()) return error;
  std::size_t frames = 0;
  for (const auto& channel : expected) frames = std::max(frames, channel.size());
  for (auto& channel : input) channel.resize(frames, 0.0f);
  return compare_played("output", expected, render(model, input, 0), tolerance);
}

}  // namespace diffverb::runtime
