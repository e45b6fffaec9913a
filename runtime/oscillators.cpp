#include "runtime/oscillators.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diffverb::runtime {
namespace {

constexpr std::size_t kTable = Oscillators::kCell + kPad;

double angle(double turns) { return 2 * std::numbers::pi * (turns - std::round(turns)); }

}  // namespace

int Oscillators::add(double turns_a_sample, double phase_turns) {
  const auto found = std::find(rates_.begin(), rates_.end(), turns_a_sample);
  Oscillator made;
  made.table = static_cast<std::size_t>(found - rates_.begin()) * 2 * kTable;
  if (found == rates_.end()) {
    rates_.push_back(turns_a_sample);
    tables_.resize(tables_.size() + 2 * kTable);
    for (std::size_t k = 0; k < kTable; ++k) {
      tables_[made.table + k] = std::cos(angle(static_cast<double>(k) * turns_a_sample));
      tables_[made.table + kTable + k] = std::sin(angle(static_cast<double>(k) * turns_a_sample));
    }
  }
  made.first_c = made.c = std::cos(angle(phase_turns));
  made.first_s = made.s = std::sin(angle(phase_turns));
  made.step_c = std::cos(angle(kCell * turns_a_sample));
  made.step_s = std::sin(angle(kCell * turns_a_sample));
  oscillators_.push_back(made);
  return static_cast<int>(oscillators_.size()) - 1;
}

void Oscillators::reset() noexcept {
  step_ = 0;
  for (Oscillator& o : oscillators_) o.c = o.first_c, o.s = o.first_s;
}

void Oscillators::skip(int frames) noexcept {
  step_ += frames;
  if (step_ < kCell) return;
  step_ = 0;
  for (Oscillator& o : oscillators_) {
    const double c = o.c * o.step_c - o.s * o.step_s, s = o.s * o.step_c + o.c * o.step_s;
    const double length = 1.5 - 0.5 * (c * c + s * s);  // a step of Newton's towards 1 / |z|
    o.c = length * c, o.s = length * s;
  }
}

Phasor Oscillators::at(int index) const noexcept {
  const Oscillator& o = oscillators_[static_cast<std::size_t>(index)];
  const double* table = tables_.data() + o.table + step_;
  return {table, table + kTable, o.c, o.s};
}

}  // namespace diffverb::runtime
