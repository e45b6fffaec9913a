#include "core/family.h"

#include <gtest/gtest.h>

#include "tests/core/samples/sample.h"

namespace diffverb {
namespace {

std::string make_error(const std::string& yaml) {
  try {
    Fields f = Fields::from_text(yaml, "t");
    family<Sample>().make(f);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Family, TableHoldsEveryNameThatCMakeNames) {
  EXPECT_EQ(family<Sample>().names(), (std::vector<std::string>{"gain", "pair"}));
  EXPECT_EQ(family<Sample>().name(), "samples");
  EXPECT_EQ(family<Sample>().parts()[0].source, "Nobody 2000");
}

TEST(Family, MakesThePartThatTypeNames) {
  Fields f = Fields::from_text("{type: pair, times: 2, first: {type: gain, gain_db: -3}}");
  EXPECT_EQ(family<Sample>().make(f)->value(), -6);
  Fields g = Fields::from_text("{gain_db: -1}");
  EXPECT_EQ(family<Sample>().make("gain", g)->value(), -1);
}

TEST(Family, UnknownNameComesWithTheNearestKnownOne) {
  EXPECT_EQ(make_error("type: gian"), "t:1:7: type: unknown sample 'gian', did you mean 'gain'? known: gain, pair");
  EXPECT_EQ(make_error("{}"), "t: missing key 'type'");
  EXPECT_EQ(make_error("{type: pair, first: {type: gaim}}"),
            "t:1:28: first.type: unknown sample 'gaim', did you mean 'gain'? known: gain, pair");
}

TEST(Family, KeysThatAPartDoesNotKnowAreRefused) {
  EXPECT_EQ(make_error("{type: gain, gain: 1}"),
            "t:1:14: gain: unknown key 'gain', did you mean 'gain_db'? known: type, gain_db, filter");
}

TEST(Family, KeysAreLearnedFromTheConstructor) {
  const std::vector<KeyInfo> keys = family<Sample>().keys("gain");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key, "gain_db");
  EXPECT_EQ(keys[0].default_json, "-6");
  EXPECT_EQ(keys[0].unit, "dB");
  EXPECT_EQ(keys[0].range, "[-60, 20]");
  EXPECT_EQ(keys[1].key, "filter.cutoff_hz");
}

TEST(Family, KeysOfNestedPartsAndOfPartsThatRefuseTheirDefaultsAreLearnedToo) {
  std::vector<std::string> keys;
  for (const KeyInfo& key : family<Sample>().keys("pair")) keys.push_back(key.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"first.type", "first.gain_db", "first.filter.cutoff_hz", "times"}));
}

TEST(Family, DuplicateNamesAreRefused) {
  const Part<Sample> part{"a", "", "", nullptr};
  EXPECT_THROW(Family<Sample>("x", "x", {part, part}), ContractError);
}

}  // namespace
}  // namespace diffverb
