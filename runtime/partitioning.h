#pragma once

#include <vector>

namespace diffverb::runtime {

/// A convolver works in slots of so many samples: as many taps are convolved directly, the shortest partitions are as
/// long, and the work of the others is spread over slots.
inline constexpr int kSlot = 64;

/// Taps [first_tap, first_tap + count size) of a convolution, in partitions of `size` = 2^m >= kSlot samples.
struct Partitions {
  int size = 0;
  int first_tap = 0;  ///< 2 size - kSlot: a block of input is complete, and size / kSlot slots later its output begins
  int count = 0;
};

/// What a transform of `size` bins costs, and a product of spectra: nanoseconds as measured with vectors of 16 on one
/// machine. Others may be slower; only the relation between costs matters.
double transform_cost(int size);
double product_cost(int bins);

/// The sizes that cost least for `length` taps of outputs x inputs responses.
/// Source: Garcia, "Optimal filter partition for efficient convolution with short input/output delay", AES 113, 2002;
/// here all sequences of sizes are tried.
std::vector<Partitions> choose_partitions(int length, int outputs, int inputs);

}  // namespace diffverb::runtime
