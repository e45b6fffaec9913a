#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

namespace diffverb {

/// CRC-32C (Castagnoli), as event files use it. crc32c("123456789") is 0xe3069283.
std::uint32_t crc32c(const std::string& bytes);

/// Scalars over steps, in a file that TensorBoard reads: events.out.tfevents.<seconds>.<host>.<pid>.<n>
///
/// Throws   DataError where the file cannot be written
class EventWriter {
 public:
  explicit EventWriter(const std::filesystem::path& folder);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  void scalar(const std::string& tag, double value, std::int64_t step);
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void write_record(const std::string& payload);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace diffverb
