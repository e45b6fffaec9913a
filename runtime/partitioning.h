#pragma once

#include <vector>

namespace diffverb::runtime {

/// Taps [first_tap, first_tap + count size) of a convolution, in partitions of `size` = 2^m >= 64 samples.
struct Partitions {
  int size = 0;
  int first_tap = 0;
  int count = 0;
};

/// What a convolver spends, in the time of a multiply-add of one vector of 16; measured (README.md, "Convolution").
double head_cost(int taps);
double transform_pass_cost(int size);
double product_cost(int bins);

/// The sizes that cost least for `length` taps of outputs x inputs responses. The first size is also the number of taps
/// that are convolved directly, and the length of a slot: the work of the other sizes is spread over slots, which their
/// first tap leaves time for, 2 size - slot.
/// Source: Garcia, "Optimal filter partition for efficient convolution with short input/output delay", AES 113, 2002:
/// here all sequences of sizes are tried.
std::vector<Partitions> choose_partitions(int length, int outputs, int inputs);

}  // namespace diffverb::runtime
