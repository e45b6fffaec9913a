#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb {

class Hdf5File;

/// Impulse responses in a SOFA file (AES69): M measurements by R receivers, and by E emitters where the data type is
/// FIR-E (Data.IR is [M, R, N, E]) or its older name FIRE ([M, R, E, N]). Files of either name come in the other order
/// too: where Data.Delay or EmitterPosition has as many emitters as the other axis alone, that one is taken.
///
/// A response here is what one source sends to all receivers: measurement m and emitter e make response m E + e, with a
/// channel for each receiver. Data.Delay stands as silence before the response. Positions are Cartesian, in metres,
/// whatever the file keeps; a receiver's place in the listener's head is left out. Any convention with Data.IR is read:
/// SingleRoomSRIR, SingleRoomMIMOSRIR, MultiSpeakerBRIR, SimpleFreeFieldHRIR, GeneralFIR, GeneralFIR-E.
///
/// read() keeps the measurement that it read last, so that its emitters cost one reading; not for several threads at
/// once.
///
/// Throws   DataError: no SOFA file, another data type than FIR, FIR-E or FIRE, a shape, unit or number that cannot be
/// Source   AES69-2015, AES69-2022
class SofaFile {
 public:
  static SofaFile open(const std::filesystem::path& path);
  SofaFile(SofaFile&&) noexcept;
  ~SofaFile();

  const std::filesystem::path& path() const;
  const std::string& convention() const { return convention_; }
  const std::string& licence() const { return licence_; }  // "" where the file says none
  const std::string& title() const { return title_; }
  double rate_hz() const { return rate_hz_; }
  std::size_t size() const { return measurements_ * emitters_; }
  std::size_t channels() const { return receivers_; }
  std::size_t samples_of_one() const { return receivers_ * samples_; }  // of a response, over its channels

  /// Samples of response `index` in [0, size()), a channel for each receiver; may be more than kMostChannels.
  /// Throws   DataError for samples that cannot be read or are not finite
  Audio read(std::size_t index) const;

  using Position = std::array<double, 3>;
  std::optional<Position> source_m(std::size_t index) const;
  std::optional<Position> listener_m(std::size_t index) const;

 private:
  explicit SofaFile(std::unique_ptr<Hdf5File> file);
  void read_shape(const std::string& data_type);
  bool says_emitters(std::size_t count) const;
  const std::vector<float>& rows_of(std::size_t measurement) const;
  void read_rate();
  void read_delays();
  std::vector<Position> read_positions(const std::string& name, std::size_t first_axis) const;

  std::unique_ptr<Hdf5File> file_;
  std::string convention_, licence_, title_;
  double rate_hz_ = 0;
  std::size_t measurements_ = 0, receivers_ = 0, emitters_ = 1, samples_ = 0;
  bool emitters_before_samples_ = false;
  mutable std::optional<std::size_t> last_measurement_;
  mutable std::vector<float> last_rows_;  // [R, N, E] or [R, E, N]
  std::vector<double> delays_samples_;    // [M or 1, R], or [M or 1, R, E]
  std::size_t delay_rows_ = 0, delay_emitters_ = 1;
  std::vector<Position> sources_, listeners_, emitter_offsets_;  // each of 0, 1 or all entries
};

}  // namespace diffverb
