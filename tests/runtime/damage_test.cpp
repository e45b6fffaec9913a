// Damaged weights files: each must be refused with a reason, and none may crash the loader.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "moving_networks.h"
#include "nonlinear_networks.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"
#include "runtime/weights.h"
#include "term_networks.h"

namespace diffverb::runtime {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes& good_file() {
  static const Bytes bytes = serialize_weights(testing::random_network({4, 1, 2, 2, 3, 20, 5, 40}, 4)).bytes;
  return bytes;
}

const Bytes& moving_file() {
  static const Bytes bytes = [] {
    auto w = testing::turning_network({4, 1, 2, 2, 3, 20, 5, 40}, testing::Turn::kBetweenTwo, 0.1f, 4);
    testing::add_motions(w, 1, 2, 4);
    return serialize_weights(w).bytes;
  }();
  return bytes;
}

const Bytes& responses_file() {
  static const Bytes bytes = serialize_weights(testing::moving_responses(2, 1, 2, 20, true, 9)).bytes;
  return bytes;
}

const Bytes& file_with_terms() {
  static const Bytes bytes = [] {
    auto w = testing::random_network({2, 1, 2, 1, 1, 20, 5, 40}, 4);
    w.terms = {testing::product_term({2, 1, 1, 2, 2, 6, 3}, 1), testing::frame_term({2, 1, 3, 5, 1}, 2)};
    return serialize_weights(w).bytes;
  }();
  return bytes;
}

const Bytes& nonlinear_file() {
  static const Bytes bytes = serialize_weights(testing::nonlinear_network({4, 1, 2, 2, 3, 20, 5, 40}, 2, 4)).bytes;
  return bytes;
}

std::string reason_of(const Bytes& bytes) {
  const LoadResult loaded = load_model(std::span<const std::uint8_t>(bytes));
  EXPECT_EQ(loaded.error.empty(), loaded.model != nullptr);
  return loaded.error;
}

std::string header_of(const Bytes& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  return {file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(length)};
}

/// Makes the hash right again, so that what stands behind it is reached.
void rehash(Bytes& file) {
  const std::string key = "\"sha256\":\"";
  const auto found = std::search(file.begin(), file.end(), key.begin(), key.end());
  if (file.end() - found < 74) return;
  const auto at = found + 10;
  std::fill(at, at + 64, std::uint8_t{'0'});
  Sha256 sha;
  sha.update(file);
  const std::string hash = sha.hex();
  std::copy(hash.begin(), hash.end(), at);
}

/// The good file with another header text.
Bytes with_header(std::string header, const Bytes& good = good_file()) {
  Bytes file(8);
  const std::uint64_t length = header.size();
  std::memcpy(file.data(), &length, 8);
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), good.begin() + 8 + static_cast<std::ptrdiff_t>(header_of(good).size()), good.end());
  rehash(file);
  return file;
}

/// The reason against the good file with one piece of its header exchanged.
std::string reason_with(const std::string& from, const std::string& to, const Bytes& good = good_file()) {
  std::string header = header_of(good);
  const std::size_t at = header.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  header.replace(at, from.size(), to);
  return reason_of(with_header(header, good));
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(RuntimeDamage, TheGoodFileIsGood) {
  EXPECT_EQ(reason_of(good_file()), "");
  EXPECT_EQ(reason_of(moving_file()), "");
  EXPECT_EQ(reason_of(nonlinear_file()), "");
  EXPECT_EQ(reason_of(with_header(header_of(good_file()))), "");
}

TEST(RuntimeDamage, EveryTruncationIsRefused) {
  for (const Bytes& good : {good_file(), moving_file(), nonlinear_file()}) {
    const std::size_t step = std::max<std::size_t>(1, good.size() / 600);
    int places = 0;
    for (std::size_t length = 0; length < good.size(); length += length < 64 ? 1 : step, ++places) {
      Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_NE(reason_of(cut), "") << length;
      rehash(cut);
      EXPECT_NE(reason_of(cut), "") << length << " with a right hash";
    }
    EXPECT_GT(places, 300);
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_NE(reason_of(longer), "");
    rehash(longer);
    EXPECT_EQ(reason_of(longer), "1 bytes follow the last tensor");
  }
}

TEST(RuntimeDamage, EveryBitOfASampleOfBytesCounts) {
  const Bytes& good = good_file();
  for (std::size_t at = 0; at < good.size(); at += at < 400 ? 1 : 13) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1u << bit));
      ASSERT_NE(reason_of(bad), "") << "byte " << at << " bit " << bit;
    }
  }
}

TEST(RuntimeDamage, HeaderLengthAndJson) {
  Bytes bad = good_file();
  std::fill(bad.begin(), bad.begin() + 8, std::uint8_t{0xff});
  EXPECT_TRUE(contains(reason_of(bad), "header length"));
  EXPECT_TRUE(contains(reason_of({1, 2, 3}), "only 3 bytes"));
  EXPECT_TRUE(contains(reason_of(with_header("")), "header"));
  EXPECT_TRUE(contains(reason_of(with_header("[]")), "not a JSON object"));
  EXPECT_TRUE(contains(reason_of(with_header("{}")), "no sha256"));
  EXPECT_TRUE(contains(reason_of(with_header(header_of(good_file()) + "{}")), "not JSON"));
  EXPECT_NE(reason_of(with_header(std::string(1 << 20, '['))), "");
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "{\"a\":";
  EXPECT_NE(reason_of(with_header(deep)), "");
  EXPECT_NE(reason_with("\"shape\":[4]", "\"shape\":" + std::string(100000, '[') + "4" + std::string(100000, ']')), "");
}

TEST(RuntimeDamage, EveryHeaderFieldIsChecked) {
  EXPECT_TRUE(contains(reason_with("\"A\":{", "\"delays\":{"), "twice"));
  EXPECT_TRUE(contains(reason_with("\"dtype\":\"F32\"", "\"dtype\":\"F32\",\"dtype\":\"F32\""), "twice"));
  EXPECT_TRUE(contains(reason_with("\"format\":", "\"kind\":\"delay_network\",\"format\":"), "twice"));
  EXPECT_TRUE(contains(reason_with("\"A\":{", "\"Q\":{"), "'Q' is unknown"));
  EXPECT_TRUE(contains(reason_with("\"dtype\":\"I32\"", "\"dtype\":\"F32\""), "'delays' has type F32, expected I32"));
  EXPECT_TRUE(contains(reason_with("\"dtype\":\"I32\"", "\"dtype\":\"X99\""), "unknown dtype"));
  EXPECT_TRUE(contains(reason_with("\"dtype\":\"I32\"", "\"dtype\":7"), "a number"));
  EXPECT_TRUE(contains(reason_with("\"dtype\":\"I32\",", ""), "needs dtype, shape and data_offsets"));
  EXPECT_TRUE(contains(reason_with("\"dtype\":\"I32\",", "\"dtype\":\"I32\",\"extra\":1,"), "unknown key"));
  EXPECT_TRUE(contains(reason_with("\"shape\":[4,4]", "\"shape\":[2,8]"), "has shape [2, 8], expected [4, 4]"));
  EXPECT_TRUE(contains(reason_with("\"shape\":[4,4]", "\"shape\":[16]"), "has shape [16]"));
  EXPECT_TRUE(contains(reason_with("\"shape\":[4,4]", "\"shape\":[4,-4]"), "negative"));
  EXPECT_TRUE(contains(reason_with("\"shape\":[4,4]", "\"shape\":[4,4.5]"), "not whole"));
  EXPECT_TRUE(contains(reason_with("\"shape\":[4,4]", "\"shape\":[4,5]"), "its shape needs 80"));
  EXPECT_TRUE(contains(reason_with("\"shape\":[4,4]", "\"shape\":[4294967296,4294967296]"), "overflows"));
  EXPECT_TRUE(contains(reason_with("\"version\":\"1.0\"", "\"version\":\"2.0\""), "newer"));
  EXPECT_TRUE(contains(reason_with("\"version\":\"1.0\"", "\"version\":\"one\""), "major.minor"));
  EXPECT_EQ(reason_with("\"version\":\"1.0\"", "\"version\":\"1.7\""), "");
  EXPECT_TRUE(contains(reason_with("\"kind\":\"delay_network\"", "\"kind\":\"teapot\""), "'teapot'"));
  EXPECT_TRUE(contains(reason_with("\"format\":\"diffverb-runtime\"", "\"format\":\"other\""), "not a diffverb"));
  EXPECT_TRUE(contains(reason_with("\"sample_rate_hz\":\"48000.0\"", "\"sample_rate_hz\":\"48k\""), "'48k'"));
  EXPECT_TRUE(contains(reason_with("\"sample_rate_hz\":\"48000.0\"", "\"sample_rate_hz\":\"nan\""), "sample_rate_hz"));
  EXPECT_TRUE(contains(reason_with("\"sample_rate_hz\":", "\"rate\":"), "'sample_rate_hz' is missing"));
  EXPECT_TRUE(contains(reason_with("\"self_test\":", "\"test\":"), "'self_test' is missing"));
  EXPECT_TRUE(contains(reason_with("\"sha256\":", "\"sha1\":"), "no sha256"));
}

TEST(RuntimeDamage, OffsetsMustTileTheData) {
  const Container file = parse_container(good_file(), true);
  ASSERT_EQ(file.error, "");
  // The tensors in file order: line_sos, output_sos, A, ...; the third begins where the second ends.
  const std::size_t begin = file.tensors.at("line_sos").bytes.size() + file.tensors.at("output_sos").bytes.size();
  const std::string a = "\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(begin + 64) + "]";
  const auto offsets = [](std::size_t from, std::size_t to) {
    return "\"data_offsets\":[" + std::to_string(from) + "," + std::to_string(to) + "]";
  };
  EXPECT_TRUE(contains(reason_with(a, offsets(begin - 4, begin + 60)), "overlaps"));
  EXPECT_TRUE(contains(reason_with(a, offsets(begin + 4, begin + 68)), "hole"));
  EXPECT_TRUE(contains(reason_with(a, offsets(begin + 64, begin)), "do not lie in"));
  EXPECT_TRUE(contains(reason_with(a, offsets(begin, std::size_t{1} << 40)), "do not lie in"));
  EXPECT_TRUE(contains(reason_with(a, "\"data_offsets\":[18446744073709551615,63]"), "hole"));
  EXPECT_TRUE(contains(reason_with(a, "\"data_offsets\":[1]"), "are not two"));
}

/// The reason against a good file with one value of a tensor exchanged.
template <typename T>
std::string reason_with_value(Bytes file, const char* name, std::size_t index, T value) {
  const Container parsed = parse_container(file, false);
  const auto offset = parsed.tensors.at(name).bytes.data() - file.data();
  std::memcpy(file.data() + offset + static_cast<std::ptrdiff_t>(index * sizeof value), &value, sizeof value);
  rehash(file);
  return reason_of(file);
}

TEST(RuntimeDamage, ValuesAreCheckedBehindARightHash) {
  const auto with_value = [](const char* name, std::size_t index, auto value) {
    return reason_with_value(good_file(), name, index, value);
  };
  EXPECT_EQ(with_value("A", 5, std::numeric_limits<float>::quiet_NaN()), "tensor 'A': value 5 is not a number");
  EXPECT_EQ(with_value("early", 5, -std::numeric_limits<float>::infinity()), "tensor 'early': value 5 is infinite");
  EXPECT_TRUE(contains(with_value("delays", 1, std::int32_t{0}), "line 1 feeds itself without a delay"));
  EXPECT_TRUE(contains(with_value("delays", 1, std::int32_t{-7}), "line 1 is -7 samples"));
  EXPECT_TRUE(contains(with_value("line_sos", 4, 1.5), "not a stable filter"));
  EXPECT_TRUE(contains(with_value("A", 0, 3.0f), "not stable"));
  EXPECT_TRUE(contains(with_value("C", 0, 3.0f), "self-test"));
}

TEST(RuntimeDamage, MotionIsCheckedBehindARightHash) {
  const auto with_value = [](const char* name, std::size_t index, auto value) {
    return reason_with_value(moving_file(), name, index, value);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(contains(with_value("delay_motion_lines", 1, std::int32_t{4}), "motion 1: there is no line 4, of 4"));
  EXPECT_TRUE(contains(with_value("delay_motion_lines", 1, std::int32_t{-1}), "there is no line -1"));
  EXPECT_TRUE(contains(with_value("delay_motions", 4, 38.0), "samples moves by 38"));
  EXPECT_TRUE(contains(with_value("delay_motions", 4, nan), "motion 1: depth_samples is nan"));
  EXPECT_TRUE(contains(with_value("delay_motions", 5, -1.0), "motion 1: rate_hz is -1, expected 0 to 1000"));
  EXPECT_TRUE(contains(with_value("turning", 9, -0.1), "pair 1: radius is -0.1"));
  EXPECT_TRUE(contains(with_value("turning", 17, 1e9), "pair 1: turn_hz is 1e+09, expected -1000 to 1000"));
  EXPECT_TRUE(contains(with_value("turning", 13, 0.3), "where the turning matrix at rest has"));
  EXPECT_TRUE(contains(with_value("turn_left", 3, std::numeric_limits<float>::quiet_NaN()),
                       "tensor 'turn_left': value 3 is not a number"));
  EXPECT_TRUE(contains(with_value("turn_right", 5, 0.7f), "tensor 'A'"));
  EXPECT_TRUE(contains(with_value("delay_motions", 1, 900.0), "self-test"));
  const auto with_header_of = [](const std::string& from, const std::string& to) {
    return reason_with(from, to, moving_file());
  };
  EXPECT_TRUE(contains(with_header_of("\"delay_motions\":{", "\"delay_motion\":{"), "'delay_motion' is unknown"));
  EXPECT_TRUE(contains(with_header_of("\"dtype\":\"F64\",\"shape\":[2,9]", "\"dtype\":\"I64\",\"shape\":[2,9]"),
                       "'turning' has type I64, expected F64"));
  EXPECT_TRUE(contains(with_header_of("\"shape\":[2,9]", "\"shape\":[9,2]"), "has shape [9, 2], expected [2, 9]"));
  EXPECT_TRUE(contains(with_header_of("\"shape\":[2,9]", "\"shape\":[1,18]"), "expected [2, 9]"));
  EXPECT_EQ(with_header_of("\"version\":\"1.1\"", "\"version\":\"1.0\""), "");
}

TEST(RuntimeDamage, MovingResponsesAreCheckedBehindARightHash) {
  const auto with_value = [](const char* name, std::size_t index, auto value) {
    return reason_with_value(responses_file(), name, index, value);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(with_value("moving_early", 7, std::numeric_limits<float>::infinity()),
            "tensor 'moving_early': value 7 is infinite");
  EXPECT_EQ(with_value("moving_means", 2, nan), "tensor 'moving_means': value 2 is not a number");
  EXPECT_TRUE(contains(with_value("moving_sine_places", 2, std::int32_t{5}), "sine 1 is of response 5, of 2"));
  EXPECT_TRUE(contains(with_value("moving_sines", 4, -1.0), "sine 1 has a rate of -1"));
  EXPECT_TRUE(contains(with_value("moving_sines", 3, 2e6), "sine 1 has a depth or phase"));
  EXPECT_TRUE(contains(with_value("moving_means", 0, 0.7), "self-test"));
  EXPECT_TRUE(contains(with_value("moving_sines", 0, 0.9), "self-test"));
}

TEST(RuntimeDamage, TermsAreCheckedBehindARightHash) {
  ASSERT_EQ(reason_of(file_with_terms()), "");
  const auto with_value = [](const char* name, std::size_t index, auto value) {
    return reason_with_value(file_with_terms(), name, index, value);
  };
  EXPECT_EQ(with_value("term0_factors", 3, std::numeric_limits<float>::quiet_NaN()),
            "tensor 'term0_factors': value 3 is not a number");
  EXPECT_EQ(with_value("term0_after", 1, std::numeric_limits<float>::infinity()),
            "tensor 'term0_after': value 1 is infinite");
  EXPECT_EQ(with_value("term1_scale", 0, 1e9f), "tensor 'term1_scale': value 0 is beyond 1e6");
  EXPECT_TRUE(contains(with_value("term1_state_ms", 0, -1.0), "'term1_state_ms': time 0 is -1.0 ms"));
  EXPECT_TRUE(contains(with_value("term0_factors", 0, 3.0f), "self-test"));
  EXPECT_TRUE(contains(with_value("term1_output", 0, 3.0f), "self-test"));
  const auto with_header_of = [](const std::string& from, const std::string& to) {
    return reason_with(from, to, file_with_terms());
  };
  const std::string kinds = "\"terms\":\"product frame_network\"";
  EXPECT_TRUE(contains(with_header_of(kinds, "\"terms\":\"product tube\""),
                       "metadata 'terms' names the kind 'tube', expected product, frame_network"));
  EXPECT_TRUE(contains(with_header_of(kinds, "\"terms\":\"\""), "names 0 kinds, expected 1 to 16"));
  EXPECT_TRUE(contains(with_header_of(kinds, "\"terms\":\"product\""), "is unknown"));
  EXPECT_TRUE(contains(with_header_of(kinds, "\"terms\":\"product product\""), "is unknown"));
  EXPECT_TRUE(contains(with_header_of(kinds, "\"term\":\"product frame_network\""), "is unknown"));
  EXPECT_TRUE(contains(with_header_of("\"term1_bias\":{", "\"term1_bia\":{"), "'term1_bia' is unknown"));
  EXPECT_TRUE(contains(with_header_of("\"shape\":[2,1,2,2,1,6]", "\"shape\":[1,2,2,2,1,6]"),
                       "'term0_factors' has shape [1, 2, 2, 2, 1, 6], expected [2, any, any, any, 1, any]"));
  EXPECT_EQ(with_header_of("\"version\":\"1.2\"", "\"version\":\"1.0\""), "");
}

TEST(RuntimeDamage, NonlinearLoopsAreCheckedBehindARightHash) {
  const auto with_value = [](const char* name, std::size_t index, auto value) {
    return reason_with_value(nonlinear_file(), name, index, value);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(contains(with_value("nonlinear", 0, 0.0), "'nonlinear': limit is 0"));
  EXPECT_TRUE(contains(with_value("nonlinear", 0, nan), "limit is nan"));
  EXPECT_TRUE(contains(with_value("nonlinear", 1, 0.9), "expected at most alpha_max"));
  EXPECT_TRUE(contains(with_value("nonlinear", 2, 1.5), "alpha_max is 1.5"));
  EXPECT_TRUE(contains(with_value("nonlinear", 9, -1.0), "time_s is -1"));
  EXPECT_TRUE(contains(with_value("nonlinear_square", 3, std::numeric_limits<float>::infinity()), "is infinite"));
  EXPECT_TRUE(contains(with_value("nonlinear_left", 1, std::numeric_limits<float>::quiet_NaN()), "is not a number"));
  EXPECT_TRUE(contains(with_value("nonlinear_out", 2, 60.0f), "the network is not stable"))
      << with_value("nonlinear_out", 2, 60.0f);
  EXPECT_TRUE(contains(with_value("nonlinear", 0, 0.5), "self-test"));
  const auto with_header_of = [](const std::string& from, const std::string& to) {
    return reason_with(from, to, nonlinear_file());
  };
  EXPECT_TRUE(contains(with_header_of("\"nonlinear_out\":{", "\"nonlinear_put\":{"), "'nonlinear_put' is unknown"));
  EXPECT_TRUE(contains(with_header_of("\"shape\":[4,2]", "\"shape\":[8,1]"), "has shape [8, 1]"));
  EXPECT_TRUE(contains(with_header_of("\"shape\":[10]", "\"shape\":[5,2]"), "has shape [5, 2], expected [10]"));
}

/// Bounded mutation fuzz, the same on every run: bytes, pieces and header fields changed, hash right or wrong.
void mutate(const Bytes& good, int rounds) {
  const std::size_t header_end = 8 + header_of(good).size();
  std::mt19937 random(2026);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    Bytes bad = good;
    for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t at = below(3) == 0 ? below(bad.size()) : below(std::min(header_end, bad.size()));
      const std::size_t length = std::min(1 + below(12), bad.size() - at);
      const auto from = bad.begin() + static_cast<std::ptrdiff_t>(at), to = from + static_cast<std::ptrdiff_t>(length);
      switch (below(4)) {
        case 0:
          bad[at] = static_cast<std::uint8_t>(random());
          break;
        case 1:
          bad[at] = static_cast<std::uint8_t>("0123456789[]{},:\"-.eE"[below(21)]);
          break;
        case 2:
          bad.erase(from, to);
          break;
        default: {
          const Bytes piece(from, to);
          bad.insert(from, piece.begin(), piece.end());
        }
      }
      if (bad.size() < 16) bad = good;
    }
    if (below(4) != 0) {
      const std::uint64_t header = below(2) ? header_end - 8 + (bad.size() - good.size()) : header_end - 8;
      std::memcpy(bad.data(), &header, 8);
      rehash(bad);
    }
    accepted += reason_of(bad).empty();
  }
  // Changes to provenance, white space or a metadata key of no meaning are fine; most are not.
  EXPECT_LT(accepted, rounds / 10);
  EXPECT_GT(accepted, 0);  // the fuzz does get behind the hash
}

TEST(RuntimeDamage, RandomMutationsNeverCrashNorPlayUnheard) {
  mutate(good_file(), 6000);
  mutate(moving_file(), 3000);
  mutate(responses_file(), 3000);
  mutate(file_with_terms(), 3000);
  mutate(nonlinear_file(), 3000);
}

}  // namespace
}  // namespace diffverb::runtime
