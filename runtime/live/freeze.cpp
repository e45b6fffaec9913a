#include "runtime/live/freeze.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace diffverb::runtime {
namespace {

constexpr double kShortestSeconds = 0.035, kLongestSeconds = 0.115;
constexpr double kTurnSeconds = 0.05, kInSeconds = 0.05, kOutSeconds = 0.3, kRecentSeconds = 0.1;
constexpr double kLargestGain = 4;
constexpr float kOutputSigns[Freeze::kLines] = {1, 1, -1, 1, -1, -1, 1, 1, 1, -1, -1, -1, 1, -1, 1, 1};

bool is_prime(std::size_t n) {
  for (std::size_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

/// x times the Hadamard matrix of 16 rows, over its square root: orthogonal, and exact to one rounding a step.
void turn(std::array<float, Freeze::kLines>& x) {
  for (std::size_t half = 1; half < Freeze::kLines; half *= 2) {
    for (std::size_t i = 0; i < Freeze::kLines; i += 2 * half) {
      for (std::size_t j = i; j < i + half; ++j) {
        const float a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
    }
  }
  for (float& value : x) value *= 0.25f;
}

/// Amplitudes of two sounds that fade into each other without a change of power.
void equal_power(float share, float& from, float& to) {
  const float angle = share * std::numbers::pi_v<float> / 2;
  from = std::cos(angle);
  to = std::sin(angle);
}

}  // namespace

void Freeze::prepare(double rate_hz, int channels) {
  channels_ = static_cast<std::size_t>(channels);
  size_ = 0;
  for (std::size_t j = 0; j < kLines; ++j) {
    // Spread evenly over the logarithm, long and short ones in turn: neighbours in the memory become unlike lines.
    const double place = static_cast<double>(j * 7 % kLines) / (kLines - 1);
    auto length =
        static_cast<std::size_t>(rate_hz * kShortestSeconds * std::pow(kLongestSeconds / kShortestSeconds, place));
    while (!is_prime(length)) ++length;
    lengths_[j] = length;
    size_ += length;
  }
  part_size_ = (size_ + kParts - 1) / kParts;
  for (Memory& memory : memories_) memory.channels.assign(channels_, std::vector<float>(size_, 0.0f));
  last_.assign(channels_, 0.0f);
  recent_pole_ = std::exp(-1 / (kRecentSeconds * rate_hz));
  turn_step_ = static_cast<float>(1 / (kTurnSeconds * rate_hz));
  in_step_ = static_cast<float>(1 / (kInSeconds * rate_hz));
  out_step_ = static_cast<float>(1 / (kOutSeconds * rate_hz));
  reset();
}

void Freeze::reset() noexcept {
  for (Memory& memory : memories_) memory.head = memory.recorded = 0, memory.energy = {};
  recent_ = 0;
  share_ = 0;
}

void Freeze::record(const float* const* channels, int from, int frames) noexcept {
  Memory& memory = memories_[recording_];
  for (int done = 0; done < frames;) {
    // Within one part of the memory, which begins anew.
    const std::size_t head = memory.head, into_part = head % part_size_;
    const std::size_t room = std::min(part_size_ - into_part, size_ - head);
    const int count = std::min(frames - done, static_cast<int>(room));
    double energy = into_part == 0 ? 0 : memory.energy[head / part_size_], recent = recent_;
    for (int n = 0; n < count; ++n) {
      double power = 0;
      for (std::size_t c = 0; c < channels_; ++c) {
        const float x = channels[c][from + done + n];
        memory.channels[c][head + static_cast<std::size_t>(n)] = x;
        power += static_cast<double>(x) * x;
      }
      energy += power;
      recent = power + recent_pole_ * (recent - power);
    }
    memory.energy[head / part_size_] = energy;
    recent_ = recent;
    const std::size_t end = head + static_cast<std::size_t>(count);
    memory.head = end == size_ ? 0 : end;
    memory.recorded = std::min(size_, memory.recorded + static_cast<std::size_t>(count));
    done += count;
  }
}

void Freeze::begin() noexcept {
  const Memory& held = memories_[recording_];
  std::size_t begin = held.head, silent = size_ - held.recorded;  // the oldest samples come first
  for (std::size_t j = kLines; j-- > 0;) {                        // line 0 holds the newest
    lines_[j] = {begin, lengths_[j], 0, std::min(silent, lengths_[j])};
    silent -= lines_[j].stale;
    begin = (begin + lengths_[j]) % size_;
  }
  const double mean = std::accumulate(held.energy.begin(), held.energy.end(), 0.0) / static_cast<double>(size_);
  level_ = mean > 1e-20 ? static_cast<float>(std::min(kLargestGain, std::sqrt(recent_ / mean))) : 0.0f;
  turned_ = 0;
  recording_ = 1 - recording_;
  memories_[recording_].recorded = 0;
  memories_[recording_].energy = {};
}

void Freeze::hold(float* frame) noexcept {
  float chain = 0, matrix = 1;
  if (turned_ < 1) {
    equal_power(turned_, chain, matrix);
    turned_ += turn_step_;
  }
  Memory& held = memories_[1 - recording_];
  for (std::size_t c = 0; c < channels_; ++c) {
    float* memory = held.channels[c].data();
    std::array<float, kLines> out;
    std::array<std::size_t, kLines> places;
    float sum = 0;
    for (std::size_t j = 0; j < kLines; ++j) {
      const std::size_t place = lines_[j].begin + lines_[j].at;
      places[j] = place < size_ ? place : place - size_;
      out[j] = lines_[j].stale > 0 ? 0.0f : memory[places[j]];
      sum += kOutputSigns[j] * out[j];
    }
    const std::array<float, kLines> shifted = out;
    turn(out);
    for (std::size_t j = 0; j < kLines; ++j) {
      const float before = j == 0 ? last_[c] : shifted[j - 1];
      memory[places[j]] = chain == 0 ? out[j] : matrix * out[j] + chain * before;
    }
    frame[c] = level_ * 0.25f * sum;
  }
  for (Line& line : lines_) {
    line.at = line.at + 1 == line.length ? 0 : line.at + 1;
    line.stale -= line.stale > 0 ? 1 : 0;
  }
}

void Freeze::process(float* const* channels, int frames, bool on) noexcept {
  if (channels_ == 0) return;
  if (on && share_ == 0) begin();
  if (!on && share_ == 0) return record(channels, 0, frames);
  for (int n = 0; n < frames; ++n) {
    for (std::size_t c = 0; c < channels_; ++c) last_[c] = channels[c][n];
    record(channels, n, 1);
    if (!on && share_ == 0) continue;
    share_ = on ? std::min(1.0f, share_ + in_step_) : std::max(0.0f, share_ - out_step_);
    float held[kMostChannels] = {}, live = 0, frozen = 1;
    hold(held);
    if (share_ < 1) equal_power(share_, live, frozen);
    for (std::size_t c = 0; c < channels_; ++c) channels[c][n] = live * channels[c][n] + frozen * held[c];
  }
}

}  // namespace diffverb::runtime
