#pragma once

namespace diffverb::runtime {

/// A serial cascade of one channel laid across lanes, its last section in the last lane: coefficient c of the section in
/// lane l at [c kLanes + l] in the order g p y1 y2 (biquad.h, PlayedSection, with y0 = 1), 0 in lanes that have none;
/// state likewise with 3 instead of 4: the two of a section, and what it gave last, turned by a lane.
struct Cascade {
  static constexpr int kLanes = 32;
  int sections = 0;  // <= kLanes
  float gain = 1;    // of the input
  const float* coefficients = nullptr;
  float* state = nullptr;
};

/// One or two channels in place through their cascades of as many sections, pipelined across sections: section k works
/// on sample t - k, so that the serial filters of a channel become one vector. No latency.
void run_cascades(const Cascade* cascades, float* const* channels, int count, int frames);

}  // namespace diffverb::runtime
