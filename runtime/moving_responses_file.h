#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/metadata.h"
#include "runtime/moving_responses.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {

/// Of the metadata: "equal_power", or not there.
inline constexpr const char* kEqualPower = "moving_gains";

/// Moving responses in a weights file: moving_early F32 [R, O, I, L], moving_means F64 [R, 2], moving_sine_places I32
/// [M, 2] (response; 0 before it, 1 after), moving_sines F64 [M, 3] (depth, rate_hz, phase_turns): all four or none.
bool is_moving_responses_tensor(std::string_view name);
/// Returns an empty string, or what is wrong with the tensors' types and shapes.
std::string read_moving_responses(const Container& file, int outputs, int inputs, MovingResponses& moving);

/// The sines as the file's columns; they must live as long as the tensors that view them.
struct MovingResponsesTables {
  explicit MovingResponsesTables(const MovingResponses& moving);
  std::vector<std::int32_t> places;
  std::vector<double> sines;
};
void add_moving_responses(const MovingResponses& moving, const MovingResponsesTables& tables, int outputs, int inputs,
                          std::map<std::string, Tensor, std::less<>>& tensors,
                          std::map<std::string, std::string, std::less<>>& metadata);

}  // namespace diffverb::runtime
