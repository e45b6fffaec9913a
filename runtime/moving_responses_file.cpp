#include "runtime/moving_responses_file.h"

#include <algorithm>
#include <array>

namespace diffverb::runtime {
namespace {

constexpr std::array<const char*, 4> kMovingTensors = {"moving_early", "moving_means", "moving_sine_places",
                                                       "moving_sines"};
constexpr const char* kEqualPowerWord = "equal_power";

}  // namespace

bool is_moving_responses_tensor(std::string_view name) {
  return std::find(kMovingTensors.begin(), kMovingTensors.end(), name) != kMovingTensors.end();
}

std::string read_moving_responses(const Container& file, int outputs, int inputs, MovingResponses& m) {
  const std::string* gains = find_metadata(file, kEqualPower);
  const bool any = std::any_of(kMovingTensors.begin(), kMovingTensors.end(),
                               [&](const char* name) { return file.tensors.find(name) != file.tensors.end(); });
  if (!any) return gains ? "metadata 'moving_gains' is there without moving responses" : std::string();
  if (gains && *gains != kEqualPowerWord)
    return "metadata 'moving_gains' is " + in_quotes(*gains) + ", expected 'equal_power' or none";
  m.equal_power = gains != nullptr;
  m.count = m.samples = -1;
  int sines = -1, two = 2, three = 3;
  std::vector<std::int32_t> places;
  std::vector<double> rows;
  std::string error = take(file, "moving_early", "F32", {&m.count, &outputs, &inputs, &m.samples}, m.taps);
  if (error.empty()) error = take(file, "moving_means", "F64", {&m.count, &two}, m.means);
  if (error.empty()) error = take(file, "moving_sine_places", "I32", {&sines, &two}, places);
  if (error.empty()) error = take(file, "moving_sines", "F64", {&sines, &three}, rows);
  if (!error.empty()) return error;
  if (m.count == 0) return "tensor 'moving_early' holds no response";
  for (std::size_t i = 0; i < places.size() / 2; ++i) {
    if (places[2 * i + 1] != 0 && places[2 * i + 1] != 1)
      return "tensor 'moving_sine_places': sine " + std::to_string(i) + " stands at " +
             std::to_string(places[2 * i + 1]) + ", expected 0 (before its response) or 1 (after it)";
    m.sines.push_back({places[2 * i], places[2 * i + 1] == 1, rows[3 * i], rows[3 * i + 1], rows[3 * i + 2]});
  }
  return {};
}

MovingResponsesTables::MovingResponsesTables(const MovingResponses& moving) {
  for (const GainSine& sine : moving.sines) {
    places.insert(places.end(), {sine.response, sine.after ? 1 : 0});
    sines.insert(sines.end(), {sine.depth, sine.rate_hz, sine.phase_turns});
  }
}

void add_moving_responses(const MovingResponses& m, const MovingResponsesTables& tables, int outputs, int inputs,
                          std::map<std::string, Tensor, std::less<>>& tensors,
                          std::map<std::string, std::string, std::less<>>& metadata) {
  if (m.count == 0) return;
  const int sines = static_cast<int>(m.sines.size());
  tensors.emplace("moving_early", view(m.taps, "F32", {m.count, outputs, inputs, m.samples}));
  tensors.emplace("moving_means", view(m.means, "F64", {m.count, 2}));
  tensors.emplace("moving_sine_places", view(tables.places, "I32", {sines, 2}));
  tensors.emplace("moving_sines", view(tables.sines, "F64", {sines, 3}));
  if (m.equal_power) metadata[kEqualPower] = kEqualPowerWord;
}

}  // namespace diffverb::runtime
