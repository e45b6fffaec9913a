#include "runtime/line_filters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "runtime/biquad.h"
#include "runtime/kernels.h"
#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kMostAlone = 4;  // more share vectors of lanes at less cost
/// Nearer to 1 a pole would lose accuracy from vector to vector.
constexpr double kSlowestPole = 0.996;

bool is_first_order(const std::vector<Biquad>& cascade) {
  const Biquad& f = cascade[0];
  return cascade.size() == 1 && f.b2 == 0 && f.a2 == 0 && std::abs(f.a1) <= kSlowestPole;
}

}  // namespace

LineFilters::LineFilters(const std::vector<std::vector<Biquad>>& cascades, int most_frames)
    : count_(static_cast<int>(cascades.size())) {
  if (cascades.size() <= kMostAlone && std::all_of(cascades.begin(), cascades.end(), is_first_order)) {
    for (const auto& cascade : cascades) first_order_.emplace_back(cascade[0].b0, cascade[0].b1, -cascade[0].a1);
    return;
  }
  bank_.general = 1;
  for (const auto& cascade : cascades) {
    bank_.sections = std::max(bank_.sections, static_cast<int>(cascade.size()));
    bank_.general = std::max(bank_.general, count_general(cascade));
  }
  bank_.lanes = padded_lanes(count_);
  const std::size_t lanes = size(bank_.lanes), sections = size(bank_.sections);
  const std::size_t together = std::min(lanes, size(FilterBank::kTogether));
  coefficients_.assign(sections * 5 * lanes, 0.0f);
  state_.assign(sections * 2 * lanes, 0.0f);
  interleaved_.assign(size(most_frames + kPad) * lanes, 0.0f);
  for (std::size_t lane = 0; lane < cascades.size(); ++lane) {
    auto filled = cascades[lane];
    filled.resize(sections);  // with identities
    const auto played = played_cascade(filled, bank_.general);
    float* first = coefficients_.data() + lane / together * sections * 5 * together + lane % together;
    for (std::size_t k = 0; k < sections; ++k) put(played[k], first + k * 5 * together, together);
  }
  bank_.coefficients = coefficients_.data();
  bank_.state = state_.data();
}

void LineFilters::reset() noexcept {
  std::fill(state_.begin(), state_.end(), 0.0f);
  for (auto& filter : first_order_) filter.reset();
}

void LineFilters::run(float* const* lines, int frames) noexcept {
  if (!in_lanes()) {
    for (std::size_t j = 0; j < first_order_.size(); ++j) run_first_order(first_order_[j], lines[j], frames);
    return;
  }
  interleave(lines, count_, bank_.lanes, interleaved_.data(), frames);
  filter_lanes(bank_, interleaved_.data(), frames);
  deinterleave(interleaved_.data(), count_, bank_.lanes, lines, frames);
}

void LineFilters::run(const LaneMix& mix, float* const* lines, int frames) noexcept {
  mix_and_filter_lanes(mix, bank_, interleaved_.data(), frames);
  deinterleave(interleaved_.data(), count_, bank_.lanes, lines, frames);
}

}  // namespace diffverb::runtime
