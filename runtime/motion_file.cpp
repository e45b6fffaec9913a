#include "runtime/motion_file.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "runtime/metadata.h"

namespace diffverb::runtime {
namespace {

constexpr std::array<const char*, 2> kDelayTensors = {"delay_motion_lines", "delay_motions"};
constexpr std::array<const char*, 3> kTurningTensors = {"turning", "turn_left", "turn_right"};

constexpr double DelayMotion::*kDelayColumns[] = {&DelayMotion::depth_samples, &DelayMotion::rate_hz,
                                                  &DelayMotion::phase_turns, &DelayMotion::noise_phase_turns};
constexpr double TurningPair::*kTurningColumns[] = {&TurningPair::radius,         &TurningPair::radius_depth,
                                                    &TurningPair::radius_rate_hz, &TurningPair::radius_phase_turns,
                                                    &TurningPair::angle_turns,    &TurningPair::angle_depth_turns,
                                                    &TurningPair::angle_rate_hz,  &TurningPair::angle_phase_turns,
                                                    &TurningPair::turn_hz};

template <std::size_t kCount>
bool is_one_of(const std::array<const char*, kCount>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
template <std::size_t kCount>
bool has_any(const Container& file, const std::array<const char*, kCount>& names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return file.tensors.contains(name); });
}

}  // namespace

bool is_motion_tensor(std::string_view name) {
  return is_one_of(kDelayTensors, name) || is_one_of(kTurningTensors, name);
}

std::string read_motion(const Container& file, DelayNetworkWeights& w) {
  std::vector<double> values;
  if (has_any(file, kDelayTensors)) {
    std::vector<std::int32_t> lines;
    int motions = -1, columns = 4;
    std::string error = take(file, "delay_motion_lines", "I32", {&motions}, lines);
    if (error.empty()) error = take(file, "delay_motions", "F64", {&motions, &columns}, values);
    if (!error.empty()) return error;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      DelayMotion& motion = w.delay_motions.emplace_back();
      motion.line = lines[i];
      for (std::size_t c = 0; c < 4; ++c) motion.*kDelayColumns[c] = values[4 * i + c];
    }
  }
  if (has_any(file, kTurningTensors)) {
    int pairs = (w.lines + 1) / 2, columns = 9;
    std::string error = take(file, "turning", "F64", {&pairs, &columns}, values);
    if (error.empty()) error = take(file, "turn_left", "F32", {&w.lines, &w.lines}, w.turn_left);
    if (error.empty()) error = take(file, "turn_right", "F32", {&w.lines, &w.lines}, w.turn_right);
    if (!error.empty()) return error;
    for (std::size_t p = 0; 9 * p < values.size(); ++p) {
      TurningPair& pair = w.turning.emplace_back();
      for (std::size_t c = 0; c < 9; ++c) pair.*kTurningColumns[c] = values[9 * p + c];
    }
  }
  return {};
}

MotionArrays::MotionArrays(const DelayNetworkWeights& w) : weights_(w) {
  for (const DelayMotion& motion : w.delay_motions) {
    lines_.push_back(motion.line);
    for (const auto column : kDelayColumns) motions_.push_back(motion.*column);
  }
  for (const TurningPair& pair : w.turning) {
    for (const auto column : kTurningColumns) turning_.push_back(pair.*column);
  }
}

void MotionArrays::add_to(std::map<std::string, Tensor, std::less<>>& tensors, int lines) const {
  const int motions = static_cast<int>(lines_.size()), pairs = static_cast<int>(weights_.turning.size());
  if (motions > 0) {
    tensors.emplace("delay_motion_lines", view(lines_, "I32", {motions}));
    tensors.emplace("delay_motions", view(motions_, "F64", {motions, 4}));
  }
  if (pairs > 0) {
    tensors.emplace("turning", view(turning_, "F64", {pairs, 9}));
    tensors.emplace("turn_left", view(weights_.turn_left, "F32", {lines, lines}));
    tensors.emplace("turn_right", view(weights_.turn_right, "F32", {lines, lines}));
  }
}

}  // namespace diffverb::runtime
