#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace diffverb {

/// CRC-32C (Castagnoli), as event files use it. crc32c("123456789") is 0xe3069283.
std::uint32_t crc32c(const std::string& bytes);

/// Scalars, pictures and sounds over steps, in a file that TensorBoard reads:
/// events.out.tfevents.<seconds>.<host>.<pid>.<n>
///
/// Throws   DataError where the file cannot be written
class EventWriter {
 public:
  explicit EventWriter(const std::filesystem::path& folder);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  void scalar(const std::string& tag, double value, std::int64_t step);
  /// A PNG file.
  void image(const std::string& tag, const std::vector<std::uint8_t>& png, int width, int height, std::int64_t step);
  /// A WAV file.
  void audio(const std::string& tag, const std::vector<std::uint8_t>& wav, double rate_hz, std::int64_t channels,
             std::int64_t frames, std::int64_t step);
  /// A resumed run: what earlier files say of this and later steps no longer holds.
  void restart(std::int64_t step);
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void summary(const std::string& tag, const std::string& value, std::int64_t step);
  void write_record(const std::string& payload);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace diffverb
