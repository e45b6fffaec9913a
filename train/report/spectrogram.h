#pragma once

#include <cstdint>
#include <vector>

namespace diffverb::report {

/// Power over time and logarithmic frequency.
///
///   P(r, c) = mean of |S(f, t)|^2 over the bins of row r and the frames of column c;  Hann window of about 40 ms
struct Spectrogram {
  int rows = 0;
  int columns = 0;
  double lo_hz = 0;
  double hi_hz = 0;
  double seconds = 0;
  std::vector<float> power;  // [rows * columns], row 0 is the highest frequency
};

/// Reads    signal [T], linear amplitude; its first `seconds`, later samples count as zeros
/// Throws   ContractError on an empty signal, or lo_hz, hi_hz not within 0 < lo < hi <= rate / 2
Spectrogram log_spectrogram(const std::vector<float>& signal, double rate_hz, double seconds, double lo_hz,
                            double hi_hz, int rows, int columns);

/// `other` over `target` in dB, smoothed over 5 rows and 9 columns: two throws of the same noise differ from point to
/// point and do not in their means. 0 where both lie more than range_db below top_power; what lies lower counts as
/// that.
///
/// Throws   ContractError where they differ in size
std::vector<float> difference_db(const Spectrogram& target, const Spectrogram& other, double top_power,
                                 double range_db);

/// Bytes for a picture of signed values: 127 or 128 at 0, 0 at -range_db and below, 255 at range_db and above.
std::vector<std::uint8_t> quantise_signed(const std::vector<float>& values_db, double range_db);

/// Bytes for a picture: 255 at `top_power`, 0 at and under `range_db` below it.
std::vector<std::uint8_t> quantise(const Spectrogram& spectrogram, double top_power, double range_db);

}  // namespace diffverb::report
