#include "runtime/latent_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/metadata.h"

namespace diffverb::runtime {
namespace {

constexpr double kTolerance = 1e-4;

}  // namespace

std::string check_latent_space(double sample_rate_hz, double latent_bound) {
  if (!(sample_rate_hz >= 8000 && sample_rate_hz <= 1e6))
    return "the sample rate is " + number_text(sample_rate_hz) + " Hz, expected 8000 to 1000000";
  if (!(latent_bound > 0 && latent_bound <= 1000))
    return "the latent bound is " + number_text(latent_bound) + ", expected above 0";
  return {};
}

std::string make_latent_test(int latents, const LatentPlayer& play) {
  std::vector<double> latent;
  for (int i = 0; i < latents; ++i) latent.push_back(i % 3 == 0 ? 0.5 : i % 3 == 1 ? -0.25 : 0.125);
  return nlohmann::json{{"latent", latent}, {"output", play(latent)}, {"tolerance", kTolerance}}.dump();
}

std::string run_latent_test(const std::string& text, const LatentPlayer& play) {
  const auto test = nlohmann::json::parse(text, nullptr, false);
  const std::string malformed = "metadata 'self_test' is not {latent, output, tolerance}";
  if (!test.is_object() || !test.contains("latent") || !test.contains("output") || !test.contains("tolerance"))
    return malformed;
  std::vector<double> latent, expected;
  for (const auto& [key, into] : {std::pair{"latent", &latent}, std::pair{"output", &expected}}) {
    if (!test[key].is_array() || test[key].size() > kLatentTestSamples + kMostLatents) return malformed;
    for (const auto& value : test[key]) {
      if (!value.is_number()) return malformed;
      into->push_back(value.get<double>());
    }
  }
  if (expected.size() != kLatentTestSamples || !test["tolerance"].is_number()) return malformed;
  const double tolerance = std::clamp(test["tolerance"].get<double>(), 0.0, 1e-2);
  const std::vector<float> output = play(latent);
  double largest = 0;
  for (const float value : output) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (std::size_t n = 0; n < output.size() && n < expected.size(); ++n) {
    if (std::abs(output[n] - expected[n]) <= tolerance * std::max(largest, 1e-9)) continue;
    return "self-test: sample " + std::to_string(n) + " is " + number_text(output[n]) + ", expected " +
           number_text(expected[n]);
  }
  return {};
}

}  // namespace diffverb::runtime
