#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The largest network that is read or played; what is beyond is a damaged file or a mistake.
struct NetworkLimits {
  static constexpr int kLines = 256, kChannels = 64, kSections = 256;
  static constexpr int kEarlySamples = 1 << 20;
  static constexpr int kDelaySamples = 1 << 22;
  static constexpr long long kTotalDelaySamples = 1 << 26;
  static constexpr double kGain = 1e6;
  /// Of a network that was changed for a host (variation.h), whose rate and sizes make it longer than any file: values that
  /// it convolves with, in all.
  static constexpr long long kChangedTaps = 1LL << 27;
};

/// What a network that is checked comes from: of a changed one only memory limits lengths, and terms and moving responses
/// were checked before.
enum class Checked { kFile, kChanged };

/// That a tensor has as many values as it must, all finite and within the limit.
template <typename T>
std::string check_values(const char* name, const std::vector<T>& values, std::size_t expected) {
  if (values.size() != expected) {
    return "tensor '" + std::string(name) + "' has " + std::to_string(values.size()) + " values, expected " +
           std::to_string(expected);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = static_cast<double>(values[i]);
    if (std::abs(value) <= NetworkLimits::kGain) continue;  // false for NaN too
    return "tensor '" + std::string(name) + "': value " + std::to_string(i) + " is " +
           (std::isfinite(value) ? "beyond 1e6"
            : std::isnan(value)  ? "not a number"
                                 : "infinite");
  }
  return {};
}

/// Everything that a network must be before it is played: sizes that fit together and lie within the limits, finite
/// values, delays of which every loop has one, motion that can be played, stable filters and a stable loop (stability.h).
/// Returns an empty string, or the first reason against it: tensor, index, value, what was expected.
std::string check_network(const DelayNetworkWeights& weights, Checked as = Checked::kFile);

/// The self-test of a file as JSON text {"input", "output", "tolerance"}: `input` is a list of samples for every input,
/// or one list an input; `output` the first samples of each output by the reference recursion; the tolerance is
/// relative to the largest output. make_ needs a network that check_network accepted.
std::string make_self_test(const DelayNetworkWeights& weights);
/// Plays it through the engine. Returns an empty string or what is wrong.
std::string run_self_test(const std::shared_ptr<const Model>& model, const std::string& text);

}  // namespace diffverb::runtime
