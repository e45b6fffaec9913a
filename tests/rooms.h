#pragma once

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <vector>

#include "core/audio_file.h"
#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// Rooms with a known answer: a direct sound, then noise that decays in one or two exponentials, above a noise floor.
struct NoiseRoom {
  double rate_hz = 16000, seconds = 0.8, t60_s = 0.5;
  double late_t60_s = 0, late_db = -20;  // a second slope where late_t60_s > 0, its level below the first
  double floor_db = -80;                 // of the noise floor against the first slope's start
  int channels = 1;
  std::uint64_t seed = 1;

  std::vector<double> channel(int c) const {
    Random random(seed + 1000 * static_cast<std::uint64_t>(c), "room");
    std::vector<double> out(static_cast<std::size_t>(seconds * rate_hz));
    for (std::size_t n = 0; n < out.size(); ++n) {
      const double t = static_cast<double>(n) / rate_hz;
      double power = std::pow(10.0, -6 * t / t60_s) + std::pow(10.0, floor_db / 10);
      if (late_t60_s > 0) power += std::pow(10.0, late_db / 10 - 6 * t / late_t60_s);
      out[n] = random.normal() * std::sqrt(power) * 0.05;
    }
    out[0] = 0.6;
    return out;
  }
  /// [C, T] float64
  at::Tensor tensor() const {
    std::vector<at::Tensor> rows;
    for (int c = 0; c < channels; ++c) rows.push_back(at::tensor(channel(c), at::kDouble));
    return at::stack(rows);
  }
  Audio audio() const {
    Audio out;
    out.rate_hz = rate_hz;
    for (int c = 0; c < channels; ++c) {
      const auto row = channel(c);
      out.channels.emplace_back(row.begin(), row.end());
    }
    return out;
  }
};

}  // namespace diffverb
