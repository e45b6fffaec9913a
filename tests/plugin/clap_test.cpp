// What clap-validator asks of a plug-in, in C++.
#include <cmath>
#include <cstring>
#include <set>

#include "runtime/live/controls.h"
#include "tests/plugin/clap_host.h"
#include "tests/plugin/formats.h"
#include "tests/plugin/wav_files.h"

namespace diffverb::hosts {
namespace {

const std::string kFile = DIFFVERB_PLUGIN_DIR "/clap/diffverb-reverb.clap";

std::unique_ptr<ClapHost> open_stereo() {
  return std::make_unique<ClapHost>(std::make_shared<const ClapLibrary>(kFile));
}

template <typename T>
const T* extension(const ClapHost& host, const char* id) {
  return static_cast<const T*>(host.plugin().get_extension(&host.plugin(), id));
}

TEST(ClapFactory, DescribesOnePluginInEachFile) {
  std::set<std::string> ids;
  for (const std::string file : {"diffverb-reverb", "diffverb-reverb-mono"}) {
    const ClapLibrary library(DIFFVERB_PLUGIN_DIR "/clap/" + file + ".clap");
    const clap_plugin_factory_t* factory = library.factory();
    ASSERT_EQ(factory->get_plugin_count(factory), 1U);
    const clap_plugin_descriptor_t* descriptor = factory->get_plugin_descriptor(factory, 0);
    ids.insert(descriptor->id);
    EXPECT_STRNE(descriptor->name, "");
    EXPECT_STRNE(descriptor->vendor, "");
    EXPECT_STRNE(descriptor->version, "");
    EXPECT_STREQ(descriptor->features[0], "audio-effect");
    EXPECT_STREQ(descriptor->features[1], "reverb");
    EXPECT_EQ(factory->get_plugin_descriptor(factory, 1), nullptr);
  }
  EXPECT_EQ(ids.size(), 2U);
}

TEST(ClapFactory, MakesNothingForAnotherIdentifier) {
  const ClapLibrary library(kFile);
  clap_host_t host{};
  host.clap_version = CLAP_VERSION;
  EXPECT_EQ(library.factory()->create_plugin(library.factory(), &host, "someone.else"), nullptr);
}

TEST(ClapPorts, AreStereoOrMonoToStereo) {
  for (const auto& [file, inputs] : {std::pair{"diffverb-reverb", 2U}, {"diffverb-reverb-mono", 1U}}) {
    const ClapHost host(
        std::make_shared<const ClapLibrary>(std::string(DIFFVERB_PLUGIN_DIR "/clap/") + file + ".clap"));
    const auto* ports = extension<clap_plugin_audio_ports_t>(host, CLAP_EXT_AUDIO_PORTS);
    for (const bool is_input : {true, false}) {
      ASSERT_EQ(ports->count(&host.plugin(), is_input), 1U);
      clap_audio_port_info_t info;
      ASSERT_TRUE(ports->get(&host.plugin(), 0, is_input, &info));
      EXPECT_EQ(info.channel_count, is_input ? inputs : 2U);
      EXPECT_STREQ(info.port_type, info.channel_count == 1 ? CLAP_PORT_MONO : CLAP_PORT_STEREO);
      EXPECT_TRUE(info.flags & CLAP_AUDIO_PORT_IS_MAIN);
    }
  }
}

TEST(ClapParameters, HaveTheirDefaultsAndGoThroughText) {
  const auto host = open_stereo();
  const auto* params = extension<clap_plugin_params_t>(*host, CLAP_EXT_PARAMS);
  std::set<clap_id> ids;
  for (uint32_t i = 0; i < params->count(&host->plugin()); ++i) {
    clap_param_info_t info;
    ASSERT_TRUE(params->get_info(&host->plugin(), i, &info));
    EXPECT_TRUE(ids.insert(info.id).second);
    EXPECT_LE(info.min_value, info.default_value);
    EXPECT_LE(info.default_value, info.max_value);
    double value = 1e300;
    ASSERT_TRUE(params->get_value(&host->plugin(), info.id, &value));
    EXPECT_FLOAT_EQ(static_cast<float>(value), static_cast<float>(info.default_value)) << info.name;
    char text[64];
    ASSERT_TRUE(params->value_to_text(&host->plugin(), info.id, info.max_value, text, sizeof text));
    ASSERT_TRUE(params->text_to_value(&host->plugin(), info.id, text, &value));
    EXPECT_NEAR(value, info.max_value, 1e-4 * std::abs(info.max_value)) << info.name;
  }
}

TEST(ClapParameters, AreTakenWhileThePluginSleeps) {
  const auto host = open_stereo();
  const auto* params = extension<clap_plugin_params_t>(*host, CLAP_EXT_PARAMS);
  const int mix = host->find("mix_percent");
  clap_event_param_value_t event = {
      {sizeof event, 0, 0, CLAP_EVENT_PARAM_VALUE, 0}, static_cast<clap_id>(mix), nullptr, -1, -1, -1, -1, 25};
  const clap_input_events_t in = {&event, [](const clap_input_events_t*) { return 1U; },
                                  [](const clap_input_events_t* list, uint32_t) -> const clap_event_header_t* {
                                    return static_cast<const clap_event_header_t*>(list->ctx);
                                  }};
  const clap_output_events_t out = {nullptr,
                                    [](const clap_output_events_t*, const clap_event_header_t*) { return true; }};
  params->flush(&host->plugin(), &in, &out);
  EXPECT_EQ(host->get(mix), 25);
}

TEST(ClapEvents, TellTheHostWhatAResponseHasMoved) {
  const Scratch scratch;
  write_click(scratch / "click.wav", 1);
  const auto host = open_stereo();
  host->activate(48000, 64);
  host->set_text("model", DIFFVERB_SOURCE_DIR "/experiments/autoencoder/weights/autoencoder_3.safetensors");
  play(*host, noise(2, 640), 64);
  for (const char* name : {"x", "y", "z"}) EXPECT_TRUE(std::isnan(host->told(name))) << name;
  host->set_text("response", (scratch / "click.wav").string());
  play(*host, noise(2, 640), 64);
  for (const char* name : {"x", "y", "z"}) EXPECT_NEAR(host->told(name), host->get(name), 1e-6) << name;
}

TEST(ClapEvents, ThatAreNotOursAreHarmless) {
  const auto host = open_stereo();
  host->activate(48000, 64);
  const double decay = host->get("decay");
  for (const int parameter : {-1, host->find("status"), 1000, 1 << 30}) host->set(parameter, 3);
  play(*host, noise(2, 64), 64);
  host->send_foreign_events();
  EXPECT_LT(peak(play(*host, noise(2, 6400), 64)), 100.F);
  EXPECT_EQ(host->get("decay"), decay);
}

TEST(ClapReset, EndsTheTail) {
  const auto host = open_stereo();
  host->activate(48000, 64);
  play(*host, noise(2, 48000), 64);
  const std::vector<std::vector<float>> silence(2, std::vector<float>(640));
  EXPECT_GT(peak(play(*host, silence, 64)), 0.F);
  host->plugin().reset(&host->plugin());
  play(*host, silence, 64);
  EXPECT_EQ(peak(play(*host, silence, 64)), 0.F);
}

}  // namespace
}  // namespace diffverb::hosts
