#include "runtime/response_bank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "runtime/half.h"
#include "runtime/metadata.h"
#include "runtime/response_player.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"
#include "small_bank.h"

namespace diffverb::runtime {
namespace {

using Bytes = std::vector<std::uint8_t>;

using testing::small_bank;

const Bytes& good_file() {
  static const Bytes bytes = serialize_bank(small_bank()).bytes;
  return bytes;
}

std::string reason_of(const Bytes& bytes) {
  const BankResult loaded = load_bank(std::span<const std::uint8_t>(bytes));
  EXPECT_EQ(loaded.error.empty(), loaded.bank != nullptr);
  return loaded.error;
}

std::string header_of(const Bytes& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  return {file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(length)};
}

/// Makes the hash right again, so that what stands behind it is reached.
Bytes rehashed(Bytes file) {
  const std::string key = "\"sha256\":\"";
  const auto at = std::search(file.begin(), file.end(), key.begin(), key.end()) + 10;
  std::fill(at, at + 64, std::uint8_t{'0'});
  Sha256 sha;
  sha.update(file);
  const std::string hash = sha.hex();
  std::copy(hash.begin(), hash.end(), at);
  return file;
}

/// The reason against the good file with one piece of its header exchanged for another of the same length.
std::string reason_with(const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());
  Bytes file = good_file();
  const std::size_t at = header_of(file).find(from);
  EXPECT_NE(at, std::string::npos) << from;
  std::copy(to.begin(), to.end(), file.begin() + 8 + static_cast<std::ptrdiff_t>(at));
  return reason_of(rehashed(std::move(file)));
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ResponseBank, ReadsWhatWasWritten) {
  const ResponseBank bank = small_bank();
  const BankResult loaded = load_bank(std::span<const std::uint8_t>(good_file()));
  ASSERT_TRUE(loaded) << loaded.error;
  EXPECT_EQ(loaded.bank->responses, bank.responses);
  EXPECT_EQ(loaded.bank->axes, bank.axes);
  EXPECT_EQ(loaded.bank->samples, 300);
  EXPECT_EQ(loaded.bank->sample_rate_hz, 16000);
  EXPECT_EQ(loaded.bank->provenance, bank.provenance);
  EXPECT_EQ(loaded.bank->metadata.at("kind"), "response_bank");
}

TEST(ResponseBank, InHalfPrecisionIsRoundedAndPlays) {
  const ResponseBank bank = small_bank();
  const SerializedWeights file = serialize_bank(bank, true);
  ASSERT_EQ(file.error, "");
  EXPECT_LT(file.bytes.size(), good_file().size() * 3 / 4);
  const BankResult loaded = load_bank(std::span<const std::uint8_t>(file.bytes));
  ASSERT_TRUE(loaded) << loaded.error;
  for (std::size_t i = 0; i < bank.responses.size(); ++i)
    EXPECT_NEAR(loaded.bank->responses[i], bank.responses[i], std::abs(bank.responses[i]) / 2048 + 3e-8);
}

TEST(Half, IsTheNearestAndComesBackExactly) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = from_half(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(to_half(value), bits);
  }
  EXPECT_EQ(from_half(to_half(1.0f + 1.0f / 2048)), 1.0f);  // a tie goes to the even one
  EXPECT_EQ(from_half(to_half(1.0f + 3.0f / 2048)), 1.0f + 2.0f / 1024);
  EXPECT_EQ(from_half(to_half(1e-10f)), 0.0f);
  EXPECT_TRUE(std::isinf(from_half(to_half(1e6f))));
  EXPECT_TRUE(std::isnan(from_half(to_half(std::nanf("")))));
}

TEST(ResponseBank, RefusesEveryTruncation) {
  const Bytes& good = good_file();
  for (std::size_t size = 0; size < good.size(); size += std::max<std::size_t>(1, good.size() / 300)) {
    EXPECT_NE(reason_of(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))), "") << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_NE(reason_of(longer), "");
}

TEST(ResponseBank, RefusesAChangedByteAnywhere) {
  for (std::size_t at = 0; at < good_file().size(); at += 97) {
    Bytes file = good_file();
    file[at] ^= 0x10;
    EXPECT_NE(reason_of(file), "") << at;
  }
}

TEST(ResponseBank, RefusesWhatIsNoBankAndSaysWhy) {
  EXPECT_TRUE(contains(reason_with("response_bank", "delay_network"), "kind 'delay_network'"));
  EXPECT_TRUE(contains(reason_with("\"version\":\"1.0\"", "\"version\":\"2.0\""), "newer"));
  EXPECT_TRUE(contains(reason_with("\"axis_y\"", "\"axis_w\""), "'axis_w' is unknown"));
  EXPECT_TRUE(contains(reason_with("[3,2,1,2,300]", "[2,3,1,2,300]"), "'responses' has shape"));
  EXPECT_TRUE(contains(reason_with("[3,2,1,2,300]", "[3,2,1,1,600]"), "'responses' has shape"));
  EXPECT_TRUE(contains(reason_with("\"F32\"", "\"I32\""), "has type I32, expected F32"));
  EXPECT_TRUE(contains(reason_with("\"sample_rate_hz\":\"16000.0\"", "\"sample_rate_hz\":\"00000.0\""), "sample rate"));
  EXPECT_TRUE(contains(reason_with("\"self_test\"", "\"self_tesT\""), "'self_test' is missing"));
}

TEST(ResponseBank, RefusesNumbersThatAreNone) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 2e6f}) {
    ResponseBank bank = small_bank();
    bank.responses[777] = bad;
    EXPECT_TRUE(contains(serialize_bank(bank).error, "value 777"));
    Bytes file = good_file();
    std::memcpy(file.data() + file.size() - 4, &bad, 4);  // in the tensor that stands last
    EXPECT_NE(reason_of(rehashed(std::move(file))), "");
  }
  ResponseBank bank = small_bank();
  bank.axes[0] = {0, 0, 1};
  EXPECT_TRUE(contains(serialize_bank(bank).error, "'axis_x': value 1"));
  bank = small_bank();
  bank.responses.pop_back();
  EXPECT_NE(serialize_bank(bank).error, "");
  bank = small_bank();
  bank.provenance = "[]";
  EXPECT_NE(serialize_bank(bank).error, "");
}

TEST(ResponseBank, RefusesASelfTestThatPlaysOtherwise) {
  std::string header = header_of(good_file());
  const std::size_t at = header.find("\\\"point\\\":[1,1,0]");
  ASSERT_NE(at, std::string::npos);
  EXPECT_TRUE(contains(reason_with("\\\"point\\\":[1,1,0]", "\\\"point\\\":[1,0,0]"), "self-test fails"));
  EXPECT_TRUE(contains(reason_with("\\\"point\\\":[1,1,0]", "\\\"point\\\":[9,0,0]"), "'self_test' is not"));
}

TEST(ResponseBank, AtAPointOfTheGridIsItsResponse) {
  const ResponseBank bank = small_bank();
  const StereoResponse at = response_at(bank, {2, 1, 0});
  ASSERT_EQ(at.error, "");
  for (int c = 0; c < 2; ++c) {
    const auto expected = bank.response(2, 1, 0, c);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), at.channels[static_cast<std::size_t>(c)].begin()));
  }
  EXPECT_TRUE(contains(response_at(bank, {2, 1, 0.5}).error, "coordinate z"));
  EXPECT_TRUE(contains(response_at(bank, {-0.1, 1, 0}).error, "coordinate x"));
  EXPECT_TRUE(contains(response_at(bank, {0, std::nan(""), 0}).error, "coordinate y"));
}

TEST(ResponseBank, BetweenTwoPointsHasTheEnergyOfBoth) {
  ResponseBank bank = small_bank(20000);
  const auto energy = [](std::span<const float> x) {
    double sum = 0;
    for (const float v : x) sum += static_cast<double>(v) * v;
    return sum;
  };
  const auto at = response_at(bank, {0.5, 0, 0});
  const double mean = 0.5 * (energy(bank.response(0, 0, 0, 0)) + energy(bank.response(1, 0, 0, 0)));
  EXPECT_NEAR(energy(at.channels[0]) / mean, 1, 0.05);
}

TEST(ResponsePlayer, IsTheConvolutionForAnyBlockSize) {
  const ResponseBank bank = small_bank(700);
  const auto left = bank.response(0, 0, 0, 0), right = bank.response(0, 0, 0, 1);
  std::vector<float> in[2], expected[2];
  std::mt19937 random(3);
  for (int c = 0; c < 2; ++c) {
    for (int n = 0; n < 1500; ++n) in[c].push_back(static_cast<float>(random()) / 4294967296.0f - 0.5f);
    const auto h = c == 0 ? left : right;
    for (int n = 0; n < 1500; ++n) {
      double sum = 0;
      for (int i = 0; i <= n && i < 700; ++i)
        sum += static_cast<double>(h[static_cast<std::size_t>(i)]) * in[c][static_cast<std::size_t>(n - i)];
      expected[c].push_back(static_cast<float>(sum));
    }
  }
  for (const int block : {1, 37, 128, 512, 1500}) {
    ResponsePlayer player;
    player.prepare(left, right);
    std::vector<float> out[2] = {in[0], in[1]};  // in place
    for (int done = 0; done < 1500; done += block) {
      const float* from[] = {out[0].data() + done, out[1].data() + done};
      float* to[] = {out[0].data() + done, out[1].data() + done};
      player.process(from, to, std::min(block, 1500 - done));
    }
    for (int c = 0; c < 2; ++c) {
      for (std::size_t n = 0; n < 1500; ++n) ASSERT_NEAR(out[c][n], expected[c][n], 1e-5) << block << " at " << n;
    }
  }
}

TEST(ResponsePlayer, LeavesNoDenormalNumbers) {
  std::vector<float> response(20000);
  for (std::size_t n = 0; n < response.size(); ++n) response[n] = 1e-8f * std::exp(-static_cast<float>(n) / 700);
  ResponsePlayer player;
  player.prepare(response, response);
  std::vector<float> sound(30000, 0.0f);
  sound[0] = 1e-28f;  // what comes out begins near the least normal number, 1.2e-38, and decays
  const float* in[] = {sound.data(), sound.data()};
  std::vector<float> left(30000), right(30000);
  float* out[] = {left.data(), right.data()};
  player.process(in, out, 30000);
  EXPECT_NE(left[0], 0.0f);
#if defined(__SSE2__) || defined(_M_X64) || defined(__aarch64__)
  for (const float y : left) ASSERT_TRUE(y == 0 || std::isnormal(y)) << y;
#endif
}

TEST(ResponseBank, OnDiskIsToldByItsKind) {
  const std::string path = ::testing::TempDir() + "bank_test.safetensors";
  ASSERT_EQ(write_bank(path, small_bank()), "");
  EXPECT_EQ(kind_of_file(path), "response_bank");
  EXPECT_TRUE(load_bank(path));
  EXPECT_TRUE(contains(load_model(std::filesystem::path(path)).error, "response_bank"));
  std::remove(path.c_str());
  EXPECT_EQ(kind_of_file(path), "");
  EXPECT_TRUE(contains(load_bank(path).error, "no such file"));
  EXPECT_NE(write_bank("/no/such/folder/bank.safetensors", small_bank()), "");
}

}  // namespace
}  // namespace diffverb::runtime
