#include "train/report/png.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace diffverb::report {
namespace {

void put_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

std::uint32_t adler32(const std::vector<std::uint8_t>& data) {
  std::uint32_t a = 1, b = 0;
  for (const std::uint8_t byte : data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void put_chunk(std::vector<std::uint8_t>& out, const char* type, const std::vector<std::uint8_t>& body) {
  put_u32(out, static_cast<std::uint32_t>(body.size()));
  const std::size_t start = out.size();
  out.insert(out.end(), type, type + 4);
  out.insert(out.end(), body.begin(), body.end());
  put_u32(out, crc32(out.data() + start, out.size() - start));
}

/// A zlib stream of stored blocks.
std::vector<std::uint8_t> store(const std::vector<std::uint8_t>& data) {
  std::vector<std::uint8_t> out = {0x78, 0x01};
  constexpr std::size_t kBlock = 65535;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(kBlock, data.size() - at);
    out.push_back(at + size == data.size() ? 1 : 0);
    for (const std::size_t word : {size, ~size}) {
      out.push_back(static_cast<std::uint8_t>(word));
      out.push_back(static_cast<std::uint8_t>(word >> 8));
    }
    out.insert(out.end(), data.begin() + static_cast<std::ptrdiff_t>(at),
               data.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
  } while (at < data.size());
  put_u32(out, adler32(data));
  return out;
}

/// 256 colours through anchors at equal distances, joined linearly.
template <std::size_t kCount>
std::vector<Colour> through(const std::uint8_t (&anchors)[kCount][3]) {
  std::vector<Colour> out(256);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double at = static_cast<double>(i) / 255 * (kCount - 1);
    const std::size_t k = std::min(kCount - 2, static_cast<std::size_t>(at));
    for (std::size_t c = 0; c < 3; ++c) {
      const double mix = anchors[k][c] + (at - static_cast<double>(k)) * (anchors[k + 1][c] - anchors[k][c]);
      out[i][c] = static_cast<std::uint8_t>(std::lround(mix));
    }
  }
  return out;
}

}  // namespace

std::vector<std::uint8_t> encode_png(const std::vector<std::uint8_t>& pixels, int width, int height,
                                     const std::vector<Colour>& palette) {
  if (width < 1 || height < 1 || pixels.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {
    throw ContractError("encode_png: " + std::to_string(pixels.size()) + " pixels for a picture of " +
                        std::to_string(width) + " x " + std::to_string(height));
  }
  if (palette.empty() || palette.size() > 256 || *std::max_element(pixels.begin(), pixels.end()) >= palette.size()) {
    throw ContractError("encode_png: a pixel lies outside the palette of " + std::to_string(palette.size()) +
                        " colours");
  }
  std::vector<std::uint8_t> rows;
  rows.reserve(pixels.size() + static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    rows.push_back(0);  // filter: none
    const auto row = pixels.begin() + std::ptrdiff_t{y} * width;
    rows.insert(rows.end(), row, row + width);
  }
  std::vector<std::uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  std::vector<std::uint8_t> head;
  put_u32(head, static_cast<std::uint32_t>(width));
  put_u32(head, static_cast<std::uint32_t>(height));
  head.insert(head.end(), {8, 3, 0, 0, 0});  // 8 bits, palette, no interlacing
  std::vector<std::uint8_t> colours;
  for (const Colour& colour : palette) colours.insert(colours.end(), colour.begin(), colour.end());
  put_chunk(out, "IHDR", head);
  put_chunk(out, "PLTE", colours);
  put_chunk(out, "IDAT", store(rows));
  put_chunk(out, "IEND", {});
  return out;
}

std::vector<Colour> blue_red() {
  static constexpr std::uint8_t kAnchors[9][3] = {{33, 102, 172},  {67, 147, 195},  {146, 197, 222},
                                                  {209, 229, 240}, {247, 247, 247}, {253, 219, 199},
                                                  {244, 165, 130}, {214, 96, 77},   {178, 24, 43}};
  return through(kAnchors);
}

std::vector<Colour> viridis() {
  // Anchors of the published table at every sixteenth.
  static constexpr std::uint8_t kAnchors[17][3] = {
      {68, 1, 84},    {72, 24, 106},  {71, 45, 123},  {66, 64, 134},  {59, 82, 139},  {51, 99, 141},
      {44, 114, 142}, {38, 130, 142}, {33, 145, 140}, {31, 160, 136}, {40, 174, 128}, {63, 188, 115},
      {94, 201, 98},  {132, 212, 75}, {173, 220, 48}, {216, 226, 25}, {253, 231, 37}};
  return through(kAnchors);
}

}  // namespace diffverb::report
