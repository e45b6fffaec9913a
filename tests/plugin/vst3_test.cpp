// What only VST3 has: its factory, its buses, programs as a parameter.
#include <chrono>
#include <thread>

#include "runtime/live/controls.h"
#include "tests/counted_allocations.h"
#include "tests/plugin/formats.h"
#include "tests/plugin/vst3_host.h"

namespace diffverb::hosts {
namespace {

std::unique_ptr<Vst3Host> open_stereo() {
  return std::make_unique<Vst3Host>(std::make_shared<const Vst3Library>(DIFFVERB_VST3_FILE));
}

std::string ascii(const v3_str_128& text) {
  std::string out;
  for (const int16_t* c = text; *c != 0; ++c) out += static_cast<char>(*c);
  return out;
}

TEST(Vst3Factory, HoldsOneEffectAndMakesNothingElse) {
  const Vst3Library library(DIFFVERB_VST3_FILE);
  v3_plugin_factory** const factory = library.factory();
  ASSERT_EQ(v3_cpp_obj(factory)->num_classes(factory), 1);
  v3_class_info info;
  ASSERT_EQ(v3_cpp_obj(factory)->get_class_info(factory, 0, &info), V3_OK);
  EXPECT_STREQ(info.category, "Audio Module Class");
  EXPECT_STREQ(info.name, "diffverb");
  void* made = nullptr;
  EXPECT_NE(v3_cpp_obj(factory)->create_instance(factory, v3_bstream_iid, v3_component_iid, &made), V3_OK);
  EXPECT_EQ(made, nullptr);
}

TEST(Vst3Parameters, AreNamedAsTheControls) {
  const auto host = open_stereo();
  v3_edit_controller** const controller = host->controller();
  std::vector<std::string> names;
  for (int32_t i = 0; i < v3_cpp_obj(controller)->get_parameter_count(controller); ++i) {
    v3_param_info info{};
    ASSERT_EQ(v3_cpp_obj(controller)->get_parameter_info(controller, i, &info), V3_OK);
    if ((info.flags & V3_PARAM_PROGRAM_CHANGE) == 0) names.push_back(ascii(info.title));
  }
  ASSERT_EQ(names.size(), host->parameters().size());
  for (std::size_t i = 0; i < runtime::controls().size(); ++i) EXPECT_EQ(names[i], runtime::controls()[i].name);
}

TEST(Vst3Programs, AreTakenWithoutAllocatingAndTheirModelsFollow) {
  const auto host = open_stereo();
  host->activate(48000, 4096);
  const auto in = noise(2, 4096);
  const long long before = allocations();
  host->set_program(1);  // the last one
  EXPECT_EQ(allocations() - before, 0);
  EXPECT_EQ(host->save().find("built-in"), std::string::npos) << "not loaded yet, but what the session wants";
  for (int wait = 0; wait < 1000 && host->get("status") == 0; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    play(*host, in, 4096);
  }
  EXPECT_EQ(host->get("status"), 1);
}

}  // namespace
}  // namespace diffverb::hosts
