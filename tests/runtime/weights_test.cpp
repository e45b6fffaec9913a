#include "runtime/weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "networks.h"
#include "runtime/network_check.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"
#include "tests/scratch.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

DelayNetworkWeights small_network() { return testing::random_network({4, 1, 2, 2, 3, 20, 5, 40}, 4); }

std::string hash_of(std::string_view text) {
  Sha256 sha;
  for (const char c : text) sha.update({reinterpret_cast<const std::uint8_t*>(&c), 1});
  return sha.hex();
}

TEST(RuntimeSha256, KnownAnswers) {
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of(std::string(1000, 'a')), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

TEST(RuntimeWeights, RoundTripThroughAFile) {
  DelayNetworkWeights w = small_network();
  w.provenance = R"({"created_by":"test \"quoted\" \"sha256\":\"x\"","licence":"MIT"})";
  const Scratch scratch;
  const fs::path path = scratch / "test.safetensors";
  ASSERT_EQ(write_weights(path, w, {{"note", "hello"}}), "");
  const LoadResult loaded = load_model(path);
  ASSERT_EQ(loaded.error, "");
  const DelayNetworkWeights& r = loaded.model->network;
  EXPECT_EQ(loaded.model->kind, "delay_network");
  EXPECT_EQ(loaded.model->metadata.at("note"), "hello");
  EXPECT_EQ(r.provenance, w.provenance);
  EXPECT_EQ(r.sample_rate_hz, w.sample_rate_hz);
  EXPECT_EQ(r.early_ms, w.early_ms);
  EXPECT_EQ(r.A, w.A);
  EXPECT_EQ(r.B, w.B);
  EXPECT_EQ(r.C, w.C);
  EXPECT_EQ(r.D, w.D);
  EXPECT_EQ(r.delays, w.delays);
  EXPECT_EQ(r.line_sos, w.line_sos);
  EXPECT_EQ(r.output_sos, w.output_sos);
  EXPECT_EQ(r.early, w.early);
}

TEST(RuntimeWeights, NoFiltersNoEarlyPartSeveralInputs) {
  for (const auto& size :
       {testing::NetworkSize{1, 1, 1, 0, 0, 0, 1, 1}, testing::NetworkSize{3, 4, 8, 0, 2, 0, 1, 9}}) {
    const SerializedWeights file = serialize_weights(testing::random_network(size, 1));
    ASSERT_EQ(file.error, "");
    EXPECT_EQ(load_model(file.bytes).error, "");
  }
}

TEST(RuntimeWeights, WriterRefusesWhatCannotBePlayed) {
  const auto reason = [](auto change) {
    DelayNetworkWeights w = small_network();
    change(w);
    const std::string error = serialize_weights(w).error;
    EXPECT_EQ(make_model(w).error.empty(), error.empty() || error.find("provenance") != std::string::npos);
    return error;
  };
  EXPECT_EQ(reason([](auto&) {}), "");
  EXPECT_EQ(reason([](auto& w) { w.A[3] = std::numeric_limits<float>::quiet_NaN(); }),
            "tensor 'A': value 3 is not a number");
  EXPECT_EQ(reason([](auto& w) { w.early[7] = std::numeric_limits<float>::infinity(); }),
            "tensor 'early': value 7 is infinite");
  EXPECT_EQ(reason([](auto& w) { w.output_sos[0] = 1e7; }), "tensor 'output_sos': value 0 is beyond 1e6");
  EXPECT_EQ(reason([](auto& w) { w.C.pop_back(); }), "tensor 'C' has 7 values, expected 8");
  EXPECT_NE(reason([](auto& w) { w.delays[2] = 0; }).find("line 2 feeds itself without a delay"), std::string::npos);
  EXPECT_NE(reason([](auto& w) { w.delays[2] = 1 << 30; }).find("line 2"), std::string::npos);
  EXPECT_NE(reason([](auto& w) { w.sample_rate_hz = 0; }).find("sample_rate_hz"), std::string::npos);
  EXPECT_NE(reason([](auto& w) { w.lines = -1; }).find("number of lines"), std::string::npos);
  EXPECT_NE(reason([](auto& w) { w.provenance = "no JSON"; }).find("provenance"), std::string::npos);
  EXPECT_NE(reason([](auto& w) {
              for (float& a : w.A) a *= 1.2f;
            }).find("not stable"),
            std::string::npos);
  EXPECT_EQ(serialize_weights(small_network(), {{"sha256", "x"}}).error, "metadata 'sha256' is the format's own");
}

TEST(RuntimeWeights, WritingFailsWithAReasonAndLeavesNothing) {
  EXPECT_NE(write_weights("/nonexistent_folder/x.safetensors", small_network()).find("cannot be written"),
            std::string::npos);
  const Scratch scratch;
  const fs::path& folder = scratch.path();
  fs::create_directories(folder / "taken.safetensors");  // a folder in the file's place
  EXPECT_NE(write_weights(folder / "taken.safetensors", small_network()), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);  // no temporary file stays
  EXPECT_EQ(load_model(fs::path("/nonexistent")).error, "no such file");
  EXPECT_EQ(load_model(fs::temp_directory_path()).error, "not a regular file");
}

TEST(RuntimeWeights, SelfTestTellsAnotherNetwork) {
  const DelayNetworkWeights w = small_network();
  const std::string text = make_self_test(w);
  EXPECT_EQ(run_self_test(make_model(w).model, text), "");
  const auto differs = [&](auto change) {
    DelayNetworkWeights other = w;
    change(other);
    const LoadResult made = make_model(other);
    EXPECT_EQ(made.error, "");
    return run_self_test(made.model, text).find("the self-test fails") == 0;
  };
  EXPECT_TRUE(differs([](auto& n) { n.delays[1] += 1; }));
  EXPECT_TRUE(differs([](auto& n) { n.A[1] *= 0.9f; }));
  EXPECT_TRUE(differs([](auto& n) { n.early[19] += 0.1f; }));
  EXPECT_TRUE(differs([](auto& n) { std::swap(n.C[0], n.C[4]); }));
  EXPECT_TRUE(differs([](auto& n) { n.output_sos[0] *= 1.01; }));
  for (const char* bad : {"", "{}", "[]", "{\"input\":[1],\"output\":[[1]],\"tolerance\":1e-4}",
                          "{\"input\":[1],\"output\":[[1],[2]],\"tolerance\":1}",
                          "{\"input\":[[[[1]]]],\"output\":[[1],[2]],\"tolerance\":1e-4}",
                          "{\"input\":[1e300],\"output\":[[1],[2]],\"tolerance\":1e-4}"}) {
    EXPECT_NE(run_self_test(make_model(w).model, bad), "") << bad;
  }
}

}  // namespace
}  // namespace diffverb::runtime
