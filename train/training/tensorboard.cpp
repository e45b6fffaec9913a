#include "train/training/tensorboard.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/error.h"

namespace diffverb {
namespace {

std::string little_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  return out;
}

// Protocol buffers: a field is its number and wire type, then a varint, 8 bytes, 4 bytes, or a length and bytes.

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out + static_cast<char>(value);
}

std::string double_field(int number, double value) {
  return varint(number << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(value), 8);
}
std::string float_field(int number, float value) {
  return varint(number << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(value), 4);
}
std::string int_field(int number, std::int64_t value) {
  return varint(number << 3) + varint(static_cast<std::uint64_t>(value));
}
std::string bytes_field(int number, const std::string& value) {
  return varint(number << 3 | 2) + varint(value.size()) + value;
}

double wall_time_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string masked_crc(const std::string& bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return little_endian(std::rotr(crc, 15) + 0xa282ead8u, 4);
}

}  // namespace

std::uint32_t crc32c(const std::string& bytes) {
  static const std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82f63b78u : 0u);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return crc ^ 0xffffffffu;
}

EventWriter::EventWriter(const std::filesystem::path& folder) {
  static std::atomic<int> count{0};
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  path_ = folder / ("events.out.tfevents." + std::to_string(static_cast<long long>(wall_time_s())) + "." + host + "." +
                    std::to_string(::getpid()) + "." + std::to_string(count++));
  file_ = std::fopen(path_.c_str(), "wbe");
  if (!file_) throw DataError(path_.string() + ": cannot be written: " + std::strerror(errno));
  write_record(double_field(1, wall_time_s()) + bytes_field(3, "brain.Event:2"));
  flush();
}

EventWriter::~EventWriter() {
  if (file_) std::fclose(file_);
}

void EventWriter::summary(const std::string& tag, const std::string& value, std::int64_t step) {
  const std::string one = bytes_field(1, tag) + value;
  write_record(double_field(1, wall_time_s()) + int_field(2, step) + bytes_field(5, bytes_field(1, one)));
}

void EventWriter::scalar(const std::string& tag, double value, std::int64_t step) {
  summary(tag, float_field(2, static_cast<float>(value)), step);
}

void EventWriter::image(const std::string& tag, const std::vector<std::uint8_t>& png, int width, int height,
                        std::int64_t step) {
  constexpr int kColours = 3;  // RGB
  summary(tag,
          bytes_field(4, int_field(1, height) + int_field(2, width) + int_field(3, kColours) +
                             bytes_field(4, std::string(png.begin(), png.end()))),
          step);
}

void EventWriter::audio(const std::string& tag, const std::vector<std::uint8_t>& wav, double rate_hz,
                        std::int64_t channels, std::int64_t frames, std::int64_t step) {
  summary(tag,
          bytes_field(6, float_field(1, static_cast<float>(rate_hz)) + int_field(2, channels) + int_field(3, frames) +
                             bytes_field(4, std::string(wav.begin(), wav.end())) + bytes_field(5, "audio/wav")),
          step);
}

void EventWriter::restart(std::int64_t step) {
  constexpr int kStart = 1;  // SessionLog.START
  write_record(double_field(1, wall_time_s()) + int_field(2, step) + bytes_field(7, int_field(1, kStart)));
}

void EventWriter::flush() {
  if (std::fflush(file_) != 0) throw DataError(path_.string() + ": cannot be written: " + std::strerror(errno));
}

void EventWriter::write_record(const std::string& payload) {
  const std::string length = little_endian(payload.size(), 8);
  const std::string record = length + masked_crc(length) + payload + masked_crc(payload);
  if (std::fwrite(record.data(), 1, record.size(), file_) != record.size())
    throw DataError(path_.string() + ": cannot be written: " + std::strerror(errno));
}

}  // namespace diffverb
