#pragma once

namespace diffverb::runtime {

/// Sections of N filters side by side, padded to `lanes`, up to kTogether of them together: coefficient c of section k of
/// lane l at [(((l / together) sections + k) 5 + c) together + l % together] in the order g p y0 y1 y2 (biquad.h,
/// PlayedSection), state likewise with 2 instead of 5. The y0 of all but the first `general` sections are 1 and are not
/// read.
struct FilterBank {
  static constexpr int kTogether = 16;
  int lanes = 0;
  int sections = 0, general = 0;
  const float* coefficients = nullptr;
  float* state = nullptr;
};

/// x [frames, lanes] in place through every section of its lane.
void filter_lanes(const FilterBank& bank, float* x, int frames);

/// A matrix product into lanes side by side: x[t lanes + l] = sum_c gains[c lanes + l] in[c][t], in the order of c.
struct LaneMix {
  const float* gains = nullptr;
  int cols = 0;
  const float* const* in = nullptr;
};
/// filter_lanes() of a product, to the same bits: while the filters of some samples wait for one another, the product of
/// the next ones goes on. kPad frames more of x are used.
void mix_and_filter_lanes(const LaneMix& mix, const FilterBank& bank, float* x, int frames);

/// out[t lanes + j] = in[j][t] and back, for `count` signals; the tables of pointers have a multiple of four places.
void interleave(const float* const* in, int count, int lanes, float* out, int frames);
void deinterleave(const float* in, int count, int lanes, float* const* out, int frames);

}  // namespace diffverb::runtime
