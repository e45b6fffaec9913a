#include "core/nearest.h"

#include <gtest/gtest.h>

namespace diffverb {
namespace {

TEST(NearestName, FindsTheNameThatWasMisspelt) {
  EXPECT_EQ(nearest_name("wieght", {"weight", "height_m", "floor_db"}), "weight");
  EXPECT_EQ(nearest_name("Lines", {"line_count", "lines"}), "lines");
  EXPECT_EQ(nearest_name("t60", {"rate", "t60_s"}), "t60_s");
}

TEST(NearestName, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("banana", {"weight", "floor_db"}), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), {"weight"}), "");
  EXPECT_EQ(nearest_name("", {"weight"}), "");
}

TEST(NearestName, HintNamesTheNearestAndAllKnown) {
  EXPECT_EQ(known_names_hint("wieght", {"a", "weight"}), ", did you mean 'weight'? known: a, weight");
  EXPECT_EQ(known_names_hint("banana", {"a", "weight"}), "; known: a, weight");
}

}  // namespace
}  // namespace diffverb
