#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Stereo responses on a grid of three latent coordinates, as a file of kind "response_bank" holds them:
///
///     responses [X, Y, Z, 2, T] F32 or F16     axis_x [X], axis_y [Y], axis_z [Z] F64, rising
///
/// The latent point of [i, j, k] is (axis_x[i], axis_y[j], axis_z[k]).
struct ResponseBank {
  double sample_rate_hz = 0;
  std::array<std::vector<double>, 3> axes;
  int samples = 0;                // T
  std::vector<float> responses;   // [X, Y, Z, 2, T]
  std::string provenance = "{}";  ///< JSON text of an object: source, licence, how it was made
  /// All of the file's metadata; empty for a bank that was made in memory.
  std::map<std::string, std::string, std::less<>> metadata;

  int size(int axis) const { return static_cast<int>(axes[static_cast<std::size_t>(axis)].size()); }
  /// [T]; channel 0 left, 1 right
  std::span<const float> response(int i, int j, int k, int channel) const;
};

/// A bank, or the reason why there is none.
struct BankResult {
  std::shared_ptr<const ResponseBank> bank;
  std::string error;  ///< empty exactly when `bank` is there

  explicit operator bool() const { return bank != nullptr; }
};

/// Reads and checks a bank, as strictly as load_model; the self-test is one point, played. Nothing is thrown.
BankResult load_bank(const std::filesystem::path& path);
/// The same for a file's bytes; they need not live on.
BankResult load_bank(std::span<const std::uint8_t> file);

/// The bytes of a bank's file, checked as load_bank would. With `half` the responses are rounded to F16.
SerializedWeights serialize_bank(const ResponseBank& bank, bool half = false, const Metadata& metadata = {});
/// serialize_bank to a file, atomically. Returns an empty string or one line that says what hindered.
[[nodiscard]] std::string write_bank(const std::filesystem::path& path, const ResponseBank& bank, bool half = false,
                                     const Metadata& metadata = {});

/// Left and right response at a point in steps of the grid: 0 .. X - 1 and so on. Between points the neighbours'
/// weighted sum, scaled so that the energy of uncorrelated responses is kept: late reverberation at two points is
/// noise of two phases, and a plain mean would dip between them.
struct StereoResponse {
  std::array<std::vector<float>, 2> channels;
  std::string error;  ///< empty, or which coordinate lies outside the grid
};
StereoResponse response_at(const ResponseBank& bank, const std::array<double, 3>& point);

}  // namespace diffverb::runtime
