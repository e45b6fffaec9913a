#include "core/fields.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "core/error.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

TEST(Fields, ReadsEveryTypeOfValue) {
  Fields f = Fields::from_text(
      "yes: true\nwhole: 16\nbig: 9007199254740993\nreal: 1e-3\ntext: 'a: b'\nlist: [1, 2.5]\nwords: [a, b]\nnone: "
      "null\n");
  bool yes = false;
  int whole = 0;
  std::int64_t big = 0;
  double real = 0;
  std::string text;
  std::vector<double> list;
  std::vector<std::string> words;
  std::optional<double> none = 1.0;
  f.required("yes", yes);
  f.required("whole", whole);
  f.required("big", big);
  f.required("real", real);
  f.required("text", text);
  f.required("list", list);
  f.required("words", words);
  f.optional("none", none);
  f.finish();
  EXPECT_TRUE(yes);
  EXPECT_EQ(whole, 16);
  EXPECT_EQ(big, 9007199254740993);
  EXPECT_EQ(real, 1e-3);
  EXPECT_EQ(text, "a: b");
  EXPECT_EQ(list, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(words, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(none.has_value());
}

TEST(Fields, KeysThatAreMissingAreTakenFromDefaultsBeforeOverlays) {
  const YamlDefaults defaults{
      "losses: {a: 1, b: 2}\ntrain: {steps: 100, rate: 3}\nseed: 9", "built in", {"losses", "train"}};
  Fields fields = Fields::from_text("losses: {a: 5}", "mine", {"train.steps=7"}, defaults);
  Fields losses = fields.map("losses"), train = fields.map("train");
  int a = 0, b = 0, steps = 0, rate = 0, seed = 1;
  losses.optional("a", a);
  losses.optional("b", b);
  train.optional("steps", steps);
  train.optional("rate", rate);
  fields.optional("seed", seed);
  EXPECT_EQ(a, 5);
  EXPECT_EQ(b, 0) << "a key that is there is taken whole";
  EXPECT_EQ(steps, 7);
  EXPECT_EQ(rate, 3);
  EXPECT_EQ(seed, 1) << "not among the keys";
  EXPECT_NO_THROW(fields.finish());
}

TEST(Fields, UnknownKeyIsNamedWithItsPlaceAndTheNearestKnownOne) {
  Fields f = Fields::from_text("model:\n  linse: 4\n", "a.yaml");
  Fields model = f.map("model");
  int lines = 16;
  model.optional("lines", lines);
  EXPECT_EQ(message_of<ConfigError>([&] { f.finish(); }),
            "a.yaml:2:3: model.linse: unknown key 'linse', did you mean 'lines'? known: lines");
}

TEST(Fields, UnknownMapAndListEntriesAreFoundToo) {
  Fields f = Fields::from_text("losses:\n  - {type: edc, wieght: 1}\nrest: {a: 1}\n", "a.yaml");
  double weight = 1;
  std::string type;
  Fields loss = f.list("losses").at(0);
  loss.required("type", type);
  loss.optional("weight", weight);
  EXPECT_EQ(message_of<ConfigError>([&] { f.finish(); }), "a.yaml:3:1: rest: unknown key 'rest'; known: losses");
  EXPECT_EQ(message_of<ConfigError>([&] { loss.finish(); }),
            "a.yaml:2:17: losses.0.wieght: unknown key 'wieght', did you mean 'weight'? known: type, weight");
}

TEST(Fields, MissingKeyPointsToTheMapThatLacksIt) {
  Fields f = Fields::from_text("model:\n  lines: 4\n", "a.yaml");
  std::string type;
  EXPECT_EQ(message_of<ConfigError>([&] { f.map("model").required("type", type); }),
            "a.yaml:2:3: model: missing key 'type'");
}

TEST(Fields, WrongTypesAreRefused) {
  const auto read_int = [](const std::string& yaml) {
    return message_of<ConfigError>([&] {
      int value = 0;
      Fields::from_text(yaml, "t").optional("n", value, at_least(1));
    });
  };
  EXPECT_EQ(read_int("n: abc"), "t:1:4: n: expected a whole number >= 1, got 'abc'");
  EXPECT_EQ(read_int("n: 2.5"), "t:1:4: n: expected a whole number >= 1, got '2.5'");
  EXPECT_EQ(read_int("n: '2'"), "t:1:4: n: expected a whole number >= 1, got '2'");
  EXPECT_EQ(read_int("n: [1]"), "t:1:4: n: expected a whole number >= 1, got a list");
  EXPECT_EQ(read_int("n: 0"), "t:1:4: n: expected a whole number >= 1, got '0'");
  EXPECT_NE(read_int("n: 99999999999"), "no error");
  EXPECT_NE(read_int("n: 1e300"), "no error");
  EXPECT_NE(read_int("n:"), "no error");
  EXPECT_EQ(read_int("n: 1e3"), "no error");
  bool flag = false;
  EXPECT_NE(message_of<ConfigError>([&] { Fields::from_text("b: 1").optional("b", flag); }), "no error");
}

TEST(Fields, NotANumberAndInfinityAreRefused) {
  for (const char* text : {".nan", "nan", ".inf", "inf", "-inf", "1e999", "infinity"}) {
    double value = 0;
    EXPECT_NE(message_of<ConfigError>([&] { Fields::from_text(std::string("x: ") + text).optional("x", value); }),
              "no error")
        << text;
  }
}

TEST(Fields, RangesHoldForNumbersAndEntriesOfLists) {
  double value = 0;
  std::vector<double> values;
  EXPECT_EQ(
      message_of<ConfigError>([&] { Fields::from_text("t60_s: -1", "t").optional("t60_s", value, above(0), "s"); }),
      "t:1:8: t60_s: expected a finite number > 0, got '-1', unit s");
  EXPECT_EQ(
      message_of<ConfigError>([&] { Fields::from_text("x: [0.5, 2]", "t").optional("x", values, between(0, 1)); }),
      "t:1:4: x: entry 1: expected a finite number [0, 1], got '2'");
  EXPECT_EQ(message_of<ConfigError>([&] { Fields::from_text("x: 1", "t").optional("x", value, inside(0, 1)); }),
            "t:1:4: x: expected a finite number (0, 1), got '1'");
}

TEST(Fields, ChoiceNamesTheKnownWords) {
  std::string quality = "normal";
  EXPECT_EQ(message_of<ConfigError>([&] {
              Fields::from_text("q: fats", "t").choice("q", quality, {"fast", "normal"});
            }),
            "t:1:4: q: unknown value 'fats', did you mean 'fast'? known: fast, normal");
}

TEST(Fields, DocumentsThatAreNoMapAreRefused) {
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_text("- 1\n- 2\n", "t"); }),
            "t:1:1: expected a map of keys, got a list");
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_text("just text", "t"); }),
            "t:1:1: expected a map of keys, got 'just text'");
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_text("", "t"); }), "t: expected a map of keys, got nothing");
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_text("a: 1\n---\nb: 2\n", "t"); }),
            "t: holds 2 documents, expected one");
}

TEST(Fields, MalformedYamlIsPlaced) {
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_text("a: 1\nb: [1, 2\nc: 3\n", "t"); }).substr(0, 2), "t:");
  EXPECT_NE(message_of<ConfigError>([] { Fields::from_text("a: 1\nb: [1, 2\nc: 3\n", "t"); }).find("not YAML"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([] { Fields::from_text(std::string(100000, '['), "t"); }), "no error");
  EXPECT_NE(message_of<ConfigError>([] { Fields::from_text("a: *nowhere\n", "t"); }), "no error");
}

TEST(Fields, DuplicateKeysAreRefused) {
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_text("m:\n  a: 1\n  b: 2\n  a: 3\n", "t"); }),
            "t:4:3: duplicate key 'a', first at t:2:3");
}

TEST(Fields, AliasesThatMultiplyAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) text += ", " + before;
    text += "]\n";
  }
  EXPECT_NE(message_of<ConfigError>([&] { Fields::from_text(text, "t"); }).find("more than 100000 values"),
            std::string::npos);
}

TEST(Fields, OverlaysReplaceAndAddValues) {
  Fields f = Fields::from_text("model: {lines: 4}\nlosses: [{weight: 1}, {weight: 2}]\n", "a.yaml",
                               {"model.lines=8", "model.name=x=y", "losses.1.weight=0.5", "bands_hz=[125, 250]"});
  int lines = 0;
  std::string name;
  double weight = 0;
  std::vector<double> bands;
  f.map("model").required("lines", lines);
  f.map("model").required("name", name);
  f.list("losses").at(1).required("weight", weight);
  f.list("losses").at(0).required("weight", weight);
  f.required("bands_hz", bands);
  f.list("losses").at(1).required("weight", weight);
  f.finish();
  EXPECT_EQ(lines, 8);
  EXPECT_EQ(name, "x=y");
  EXPECT_EQ(weight, 0.5);
  EXPECT_EQ(bands, (std::vector<double>{125, 250}));
}

TEST(Fields, OverlaysThatFitNowhereAreRefused) {
  const auto overlay = [](const std::string& text) {
    return message_of<ConfigError>([&] { Fields::from_text("model: {lines: 4}\nlist: [1]\n", "a.yaml", {text}); });
  };
  EXPECT_EQ(overlay("model"), "--set model: expected key.path=value");
  EXPECT_EQ(overlay("=3"), "--set =3: expected key.path=value");
  EXPECT_EQ(overlay("a..b=3"), "--set a..b=3: expected key.path=value");
  EXPECT_EQ(overlay("model.lines.x=3"), "--set model.lines.x=3: model.lines is a single value, not a map");
  EXPECT_EQ(overlay("list.1=3"), "--set list.1=3: list is a list of 1: expected an index from 0, got '1'");
  EXPECT_EQ(overlay("list.x=3"), "--set list.x=3: list is a list of 1: expected an index from 0, got 'x'");
  EXPECT_EQ(overlay("model.lines=[1"), "--set model.lines=[1: the value is not YAML: [1");
}

TEST(Fields, OverlayErrorsNameTheOverlay) {
  Fields f = Fields::from_text("model: {lines: 4}\n", "a.yaml", {"model.linse=8"});
  int lines = 0;
  f.map("model").optional("lines", lines);
  EXPECT_EQ(message_of<ConfigError>([&] { f.finish(); }),
            "--set model.linse=8: model.linse: unknown key 'linse', did you mean 'lines'? known: lines");
  Fields g = Fields::from_text("{}", "a.yaml", {"lines=x"});
  EXPECT_EQ(message_of<ConfigError>([&] { g.optional("lines", lines); }),
            "--set lines=x: lines: expected a whole number, got 'x'");
}

struct Everything {
  bool flag = true;
  int whole = -3;
  double real = 0.1;
  float single = 0.1f;
  std::uint64_t seed = 18446744073709551615u;
  std::string text = "yes: \"quoted\"\n\ttab # no comment";
  std::string number_like = "16";
  std::string plain = "mr_stft";
  std::vector<double> list = {1.0 / 3, 2};
  std::vector<std::string> words = {"a b", "null", ""};
  std::optional<double> maybe;
  double unset = std::numeric_limits<double>::quiet_NaN();
  int inner = 4;

  void read(Fields f) {
    f.optional("flag", flag);
    f.optional("whole", whole);
    f.optional("real", real);
    f.optional("single", single);
    f.optional("seed", seed);
    f.optional("text", text);
    f.optional("number_like", number_like);
    f.optional("plain", plain);
    f.optional("list", list);
    f.optional("words", words);
    f.optional("maybe", maybe);
    f.optional("unset", unset);
    Fields model = f.map("model");
    model.map("matrix").optional("inner", inner);
    for (Fields item : f.list("losses")) {
      double weight = 1;
      item.optional("weight", weight);
      Fields nested = item.map("nested");
      nested.optional("weight", weight);
    }
    f.finish();
  }
};

TEST(Fields, ResolvedConfigHoldsDefaultsAndReadsBackToTheSame) {
  Everything given;
  Fields f = Fields::from_text("whole: 7\nlosses: [{weight: 0.25}, {}]\n", "t");
  given.read(f);
  const std::string resolved = f.resolved_yaml();
  Everything again;
  again.flag = false;
  again.whole = 0;
  again.real = 0;
  again.single = 0;
  again.seed = 0;
  again.text = again.number_like = again.plain = "";
  again.list.clear();
  again.words.clear();
  again.maybe = 2.0;
  again.inner = 0;
  Fields g = Fields::from_text(resolved, "resolved");
  again.read(g);
  EXPECT_EQ(g.resolved_yaml(), resolved);
  EXPECT_EQ(again.whole, 7);
  EXPECT_EQ(again.flag, given.flag);
  EXPECT_EQ(again.real, given.real);
  EXPECT_EQ(again.single, given.single);
  EXPECT_EQ(again.seed, given.seed);
  EXPECT_EQ(again.text, given.text);
  EXPECT_EQ(again.number_like, given.number_like);
  EXPECT_EQ(again.plain, given.plain);
  EXPECT_EQ(again.list, given.list);
  EXPECT_EQ(again.words, given.words);
  EXPECT_EQ(again.maybe, given.maybe);
  EXPECT_EQ(again.inner, given.inner);
  EXPECT_NE(resolved.find("plain: mr_stft\n"), std::string::npos);
}

TEST(Fields, RecorderNotesKeysDefaultsUnitsAndRanges) {
  Fields f = Fields::recorder();
  std::string type, quality = "normal";
  double t60_s = 1.5;
  f.required("type", type);
  f.map("model").optional("t60_s", t60_s, above(0), "s");
  f.choice("quality", quality, {"fast", "normal"});
  EXPECT_EQ(f.list("losses").size(), 0u);
  f.finish();
  const std::vector<KeyInfo>& keys = f.recorded_keys();
  ASSERT_EQ(keys.size(), 4u);
  EXPECT_TRUE(keys[0].required);
  EXPECT_EQ(keys[0].default_json, "null");
  EXPECT_EQ(keys[1].key, "model.t60_s");
  EXPECT_EQ(keys[1].default_json, "1.5");
  EXPECT_EQ(keys[1].unit, "s");
  EXPECT_EQ(keys[1].range, "> 0");
  EXPECT_EQ(keys[2].default_json, "\"normal\"");
  EXPECT_EQ(keys[2].range, "fast | normal");
  EXPECT_EQ(t60_s, 1.5);
}

TEST(Fields, FilesThatCannotBeReadAreNamed) {
  EXPECT_EQ(message_of<ConfigError>([] { Fields::from_file("no/such.yaml"); }), "no/such.yaml: no such file");
  EXPECT_NE(message_of<ConfigError>([] { Fields::from_file("/"); }), "no error");
  const Scratch scratch;
  const auto path = scratch / "test.yaml";
  std::ofstream(path) << "lines: 3\n";
  int lines = 0;
  Fields f = Fields::from_file(path, {"lines=5"});
  f.required("lines", lines);
  EXPECT_EQ(lines, 5);
}

TEST(Fields, AFileBesideTheConfigIsFoundFromAnywhere) {
  const Scratch scratch;
  const std::filesystem::path& folder = scratch.path();
  std::filesystem::create_directories(folder / "sounds");
  std::ofstream(folder / "sounds" / "a.wav") << "x";
  std::ofstream(folder / "config.yaml") << "model: {one: sounds/../sounds/a.wav, all: [sounds/a.wav, elsewhere.wav]}\n";
  Fields f = Fields::from_file(folder / "config.yaml");
  Fields model = f.map("model");
  std::string one;
  std::vector<std::string> all;
  model.file("one", one);
  model.files("all", all);
  EXPECT_EQ(one, (folder / "sounds" / "a.wav").string());
  EXPECT_EQ(all, (std::vector<std::string>{one, "elsewhere.wav"}));
  // What was found is found again, wherever the resolved config stands.
  std::string again;
  Fields resolved = Fields::from_text(f.resolved_yaml());
  resolved.map("model").file("one", again);
  EXPECT_EQ(again, one);
  Fields missing = Fields::from_text("{}");
  EXPECT_NE(message_of<ConfigError>([&] { missing.file("one", one); }).find("missing key 'one'"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
