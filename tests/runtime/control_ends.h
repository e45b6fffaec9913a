#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/live/controls.h"
#include "runtime/live/source.h"

namespace diffverb::runtime::testing {

/// What a cell of the table of control ends sets. All other controls stand where they begin, but for the input gain: 0 dB.
struct Asked {
  std::vector<std::pair<Control, double>> values;

  double value(Control control) const;
  Variation variation() const;
  std::string text() const;  ///< "decay 0.1, damping 1"
};

/// How much is asked of a model at a rate: every control that makes its voice at both ends; also pairs of decay, damping and
/// size at their corners; also half-way to each end, and all three at theirs.
enum class Extent { kEnds, kPairs, kAll };
/// The first of them is neutral.
std::vector<Asked> asked_of_voices(const Source& source, Extent extent);
/// Both ends of the controls around the voice: they do not depend on the model.
std::vector<Asked> asked_of_chain();

inline constexpr std::array<double, 4> kDecayBands_hz{250, 500, 2000, 4000};
inline constexpr std::array<double, 7> kLevelBands_hz{125, 250, 500, 1000, 2000, 4000, 8000};

/// What came out of a LiveReverb for an impulse at both inputs. Bands above 0.4 of the rate are none.
struct Heard {
  std::string problem;  ///< Playing::problem; then there is nothing else
  bool is_finite = true;
  double fall_db = 0;  ///< of the last quarter of a second against the loudest
  /// Energy after 96 ms against that before 64 ms, counted from the impulse and from where the sound begins: a network counts
  /// what is early from the one, a measured response from the other.
  std::array<double, 2> late_db{};
  std::array<std::optional<double>, kDecayBands_hz.size()> t60_s;
  std::array<std::optional<double>, kLevelBands_hz.size()> level_db;
};

/// Plays an impulse for `longest_s` at most, or until it has fallen by 60 dB.
Heard hear(std::shared_ptr<const Source> source, const Asked& asked, double rate_hz, double longest_s);

/// One cell of the table: what was asked of a model at a rate, and what was heard beside `own`: the same at 48 kHz (where the
/// balance is asked for, at its own rate) with every decay, size, damping and balance neutral.
struct Cell {
  std::string model;
  Asked asked;
  double rate_hz = 0;
  Heard heard, own;

  /// Times the decay time of a band that was asked for; 1 is exact. None where it cannot be measured, or where the balance of
  /// early and late is what changes.
  std::optional<double> decay_error(std::size_t band) const;
  /// Of the way from the model's own decay time to the one asked for, in octaves; none where that is less than a third of one.
  std::optional<double> decay_share(std::size_t band) const;
  /// The octave that is the most louder than its decay makes it: 10 lg of how much longer it lasts and, in a smaller room, of
  /// how many more echoes there are.
  double louder_db() const;
  /// How far early against late is from what is asked.
  double balance_error_db() const;
  /// Empty, or why the cell is no good.
  std::string fault() const;
};

/// Every cell of a model, by rates and what is asked.
std::vector<Cell> cells_of(const std::string& name, const std::shared_ptr<const Source>& source,
                           const std::vector<double>& rates_hz, const std::vector<Asked>& asked);

}  // namespace diffverb::runtime::testing
