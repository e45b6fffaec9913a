#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace diffverb::runtime {

/// Centres of the octaves 62.5 Hz to 16 kHz that lie below 0.45 of a rate, one at least. The lowest band takes what is
/// below, the highest what is above.
std::vector<double> octave_centres(double rate_hz);

/// Values at rising frequencies, read at others: straight over log f, constant beyond the ends.
double value_at(std::span<const double> hz, std::span<const double> values, double at_hz);

/// How fast an energy falls, as an amplitude's nepers a second (6.9 / T60): a line through its Schroeder integral from
/// -5 dB to -35 dB, or to where it ends 10 dB above its last values. Reads: energies of equal steps of time. None where
/// they do not fall by 15 dB.
std::optional<double> decay_rate(std::span<const double> energies, double step_s);

/// Sounds in bands. [rows][K][T]
using SplitRows = std::vector<std::vector<std::vector<float>>>;

/// Sounds of one length in bands around centres (octave_centres), without phase; they sum to the sounds.
SplitRows split_octaves(const std::vector<std::vector<float>>& rows, double rate_hz,
                        const std::vector<double>& centres);
/// The same of one period each, 2^m samples, of sounds that repeat.
SplitRows split_periods(const std::vector<std::vector<float>>& periods, double rate_hz,
                        const std::vector<double>& centres);

}  // namespace diffverb::runtime
