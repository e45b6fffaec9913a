#include "runtime/network_check.h"

#include <cmath>
#include <cstddef>

#include "runtime/motion_check.h"
#include "runtime/network_graph.h"
#include "runtime/nonlinear_file.h"
#include "runtime/stability.h"
#include "runtime/terms/term_file.h"

namespace diffverb::runtime {
namespace {

using Limits = NetworkLimits;

std::string check_count(const char* what, int count, int low, int high) {
  if (count >= low && count <= high) return {};
  return std::string(what) + " is " + std::to_string(count) + ", expected " + std::to_string(low) + " to " +
         std::to_string(high);
}

std::string check_delays(const DelayNetworkWeights& w, long long longest) {
  if (w.delays.size() != static_cast<std::size_t>(w.lines)) {
    return "tensor 'delays' has " + std::to_string(w.delays.size()) + " values, expected " + std::to_string(w.lines);
  }
  long long total = 0;
  for (std::size_t j = 0; j < w.delays.size(); ++j) {
    if (w.delays[j] < 0 || w.delays[j] > longest) {
      return "tensor 'delays': line " + std::to_string(j) + " is " + std::to_string(w.delays[j]) +
             " samples long, expected 0 to " + std::to_string(longest);
    }
    total += w.delays[j];
  }
  if (total > Limits::kTotalDelaySamples)
    return "tensor 'delays': " + std::to_string(total) + " samples in all are too many";
  return {};
}

/// What the network convolves with and plays beside its lines.
std::string check_others(const DelayNetworkWeights& w, Checked as) {
  if (as == Checked::kFile) {
    if (std::string error = check_count("the length of the early part", w.early_samples, 0, Limits::kEarlySamples);
        !error.empty())
      return error;
    if (std::string error = check_moving(w.moving, w.outputs, w.inputs); !error.empty()) return error;
    return check_terms(w.terms, w.term_shape());
  }
  const auto taps = static_cast<long long>(w.early.size() + w.moving.taps.size());
  if (taps > Limits::kChangedTaps)
    return "there are " + std::to_string(taps) + " samples to convolve with, expected at most " +
           std::to_string(Limits::kChangedTaps);
  return check_values("moving_early", w.moving.taps, w.moving.taps.size());
}

/// A filter line is heard in the sample that it takes in, so what comes back to it must have been delayed.
std::string check_filter_lines(const DelayNetworkWeights& w) {
  const std::vector<int> loop = delay_free_loop(w);
  if (loop.empty()) return {};
  std::string lines = std::to_string(loop[0]);
  for (std::size_t i = 1; i < loop.size(); ++i)
    lines += (i + 1 < loop.size() ? ", " : " and ") + std::to_string(loop[i]);
  return "tensor 'delays': " +
         (loop.size() == 1 ? "line " + lines + " feeds itself" : "lines " + lines + " feed one another") +
         " without a delay, expected at least one sample in every loop";
}

/// What a network without lines plays.
bool has_others(const DelayNetworkWeights& w) { return w.early_samples > 0 || w.moving.count > 0 || !w.terms.empty(); }

}  // namespace

std::string check_network(const DelayNetworkWeights& w, Checked as) {
  if (!(w.sample_rate_hz >= 8000 && w.sample_rate_hz <= 768000)) {
    return "sample_rate_hz is " + std::to_string(w.sample_rate_hz) + ", expected 8000 to 768000";
  }
  if (!(w.early_ms >= 0 && w.early_ms <= 1e5))
    return "early_ms is " + std::to_string(w.early_ms) + ", expected 0 to 100000";
  for (const std::string& error :
       {check_count("the number of lines", w.lines, 0, Limits::kLines),
        check_count("the number of inputs", w.inputs, 1, Limits::kChannels),
        check_count("the number of outputs", w.outputs, 1, Limits::kChannels),
        check_count("the number of sections a line", w.line_sections, 0, Limits::kSections),
        check_count("the number of sections an output", w.output_sections, 0, Limits::kSections)}) {
    if (!error.empty()) return error;
  }
  if (std::string error = check_others(w, as); !error.empty()) return error;
  if (w.lines == 0 && !has_others(w))
    return "there is neither a line nor an early part, expected 1 to " + std::to_string(Limits::kLines) +
           " lines, or a response to convolve with";
  const auto n = static_cast<std::size_t>(w.lines), i = static_cast<std::size_t>(w.inputs);
  const auto o = static_cast<std::size_t>(w.outputs);
  for (const std::string& error :
       {check_values("A", w.A, n * n), check_values("B", w.B, n * i), check_values("C", w.C, o * n),
        check_values("D", w.D, o * i),
        check_delays(w, as == Checked::kFile ? Limits::kDelaySamples : Limits::kTotalDelaySamples),
        check_values("line_sos", w.line_sos, n * static_cast<std::size_t>(w.line_sections) * 5),
        check_values("output_sos", w.output_sos, o * static_cast<std::size_t>(w.output_sections) * 5),
        check_values("early", w.early, o * i * static_cast<std::size_t>(w.early_samples))}) {
    if (!error.empty()) return error;
  }
  if (std::string error = check_motion(w); !error.empty()) return error;
  if (std::string error = check_nonlinear(w); !error.empty()) return error;
  if (std::string error = check_filter_lines(w); !error.empty()) return error;
  return check_stability(w);
}

}  // namespace diffverb::runtime
