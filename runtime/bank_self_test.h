#pragma once

#include <string>

#include "runtime/response_bank.h"

namespace diffverb::runtime {

/// The self-test of a bank's file: a point of the grid, a short input, and what its two channels play of it, by direct
/// convolution in double precision. JSON text.
std::string make_bank_test(const ResponseBank& bank);

/// Plays a self-test through the player. Returns an empty string, or what differs.
std::string run_bank_test(const ResponseBank& bank, const std::string& text);

}  // namespace diffverb::runtime
