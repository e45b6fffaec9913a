// What a VST3 host does first: the factory, a component, its buses, a block of sound, its state.
#include <dlfcn.h>

#include <chrono>
#include <cstring>
#include <map>
#include <thread>

#include "src/travesty/audio_processor.h"
#include "src/travesty/bstream.h"
#include "src/travesty/component.h"
#include "src/travesty/edit_controller.h"
#include "src/travesty/factory.h"
#include "tests/counted_allocations.h"
#include "tests/plugin/formats.h"

namespace diffverb::hosts {
namespace {

/// A stream in memory, as a host implements it: the first member is what VST3 takes for an object.
struct MemoryStream {
  struct Functions : v3_funknown {
    v3_bstream stream;
  };
  Functions* functions;
  std::string text;
  std::size_t at = 0;

  MemoryStream() : functions(&all()) {}
  v3_bstream** object() { return reinterpret_cast<v3_bstream**>(&functions); }

  static Functions& all() {
    static Functions functions = [] {
      Functions f{};
      f.query_interface = [](void*, const v3_tuid, void**) -> v3_result { return V3_NO_INTERFACE; };
      f.ref = f.unref = [](void*) { return 1U; };
      f.stream.read = [](void* self, void* data, int32_t size, int32_t* read) -> v3_result {
        auto& from = *static_cast<MemoryStream*>(self);
        *read = static_cast<int32_t>(std::min<std::size_t>(static_cast<std::size_t>(size), from.text.size() - from.at));
        std::memcpy(data, from.text.data() + from.at, static_cast<std::size_t>(*read));
        from.at += static_cast<std::size_t>(*read);
        return V3_OK;
      };
      f.stream.write = [](void* self, void* data, int32_t size, int32_t* written) -> v3_result {
        static_cast<MemoryStream*>(self)->text.append(static_cast<const char*>(data), static_cast<std::size_t>(size));
        *written = size;
        return V3_OK;
      };
      return f;
    }();
    return functions;
  }
};

/// What the plug-in tells of its output parameters while it plays: the last value of each.
struct OutputParameters {
  struct Functions : v3_funknown {
    union {
      v3_param_changes changes;
      v3_param_value_queue queue;
    };
  };
  /// An object of VST3: the first member is what it is taken for.
  struct Object {
    Functions* functions;
    OutputParameters* of;
  };
  Object changes{&changes_functions(), this}, queue{&queue_functions(), this};
  v3_param_id last = 0;
  std::map<v3_param_id, double> values;

  v3_param_changes** object() { return reinterpret_cast<v3_param_changes**>(&changes); }

  static Functions& changes_functions() {
    static Functions functions = [] {
      Functions f{};
      f.changes.add_param_data = [](void* self, v3_param_id* id, int32_t*) -> v3_param_value_queue** {
        OutputParameters& of = *static_cast<Object*>(self)->of;
        of.last = *id;
        return reinterpret_cast<v3_param_value_queue**>(&of.queue);
      };
      return f;
    }();
    return functions;
  }
  static Functions& queue_functions() {
    static Functions functions = [] {
      Functions f{};
      f.queue.add_point = [](void* self, int32_t, double value, int32_t*) -> v3_result {
        OutputParameters& of = *static_cast<Object*>(self)->of;
        of.values[of.last] = value;
        return V3_OK;
      };
      return f;
    }();
    return functions;
  }
};

class Vst3 : public testing::Test {
 protected:
  void SetUp() override {
    handle_ = dlopen(DIFFVERB_VST3_FILE, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(handle_, nullptr) << dlerror();
    const auto entry = reinterpret_cast<bool (*)(void*)>(dlsym(handle_, "ModuleEntry"));
    ASSERT_TRUE(entry != nullptr && entry(handle_));
    factory_ = static_cast<v3_plugin_factory**>(reinterpret_cast<void* (*)()>(dlsym(handle_, "GetPluginFactory"))());
    ASSERT_NE(factory_, nullptr);
  }
  void TearDown() override {
    v3_cpp_obj_unref(factory_);
    reinterpret_cast<bool (*)()>(dlsym(handle_, "ModuleExit"))();
    dlclose(handle_);
  }

  v3_component** component() {
    v3_class_info info;
    EXPECT_EQ(v3_cpp_obj(factory_)->get_class_info(factory_, 0, &info), V3_OK);
    void* made = nullptr;
    EXPECT_EQ(v3_cpp_obj(factory_)->create_instance(factory_, info.class_id, v3_component_iid, &made), V3_OK);
    auto** component = static_cast<v3_component**>(made);
    EXPECT_EQ(v3_cpp_obj_initialize(component, nullptr), V3_OK);
    return component;
  }

  void* handle_ = nullptr;
  v3_plugin_factory** factory_ = nullptr;
};

/// Noise through the plug-in, 4096 frames.
std::vector<std::vector<float>> play_block(v3_audio_processor** processor, OutputParameters& shown) {
  auto in = noise(2, 4096);
  std::vector<std::vector<float>> out(2, std::vector<float>(4096));
  float* from[2] = {in[0].data(), in[1].data()};
  float* to[2] = {out[0].data(), out[1].data()};
  v3_audio_bus_buffers input{}, output{};
  input.num_channels = output.num_channels = 2;
  input.channel_buffers_32 = from;
  output.channel_buffers_32 = to;
  v3_process_data data{};
  data.symbolic_sample_size = V3_SAMPLE_32;
  data.nframes = 4096;
  data.num_input_buses = data.num_output_buses = 1;
  data.inputs = &input;
  data.outputs = &output;
  data.output_params = shown.object();
  EXPECT_EQ(v3_cpp_obj(processor)->process(processor, &data), V3_OK);
  return out;
}

/// The id of the parameter that `is` says; the largest there is where there is none.
template <typename Is>
v3_param_id find_parameter(v3_edit_controller** controller, const Is& is) {
  for (int32_t i = 0; i < v3_cpp_obj(controller)->get_parameter_count(controller); ++i) {
    v3_param_info info{};
    if (v3_cpp_obj(controller)->get_parameter_info(controller, i, &info) == V3_OK && is(info)) return info.param_id;
  }
  return UINT32_MAX;
}

TEST_F(Vst3, FactoryHoldsOneEffect) {
  ASSERT_GE(v3_cpp_obj(factory_)->num_classes(factory_), 1);
  v3_class_info info;
  ASSERT_EQ(v3_cpp_obj(factory_)->get_class_info(factory_, 0, &info), V3_OK);
  EXPECT_STREQ(info.category, "Audio Module Class");
  EXPECT_STREQ(info.name, "diffverb");
}

TEST_F(Vst3, ComponentPlaysABlockAndKeepsItsState) {
  v3_component** one = component();
  EXPECT_EQ(v3_cpp_obj(one)->get_bus_count(one, V3_AUDIO, V3_INPUT), 1);
  EXPECT_EQ(v3_cpp_obj(one)->get_bus_count(one, V3_AUDIO, V3_OUTPUT), 1);
  v3_audio_processor** processor = nullptr;
  ASSERT_EQ(v3_cpp_obj_query_interface(one, v3_audio_processor_iid, &processor), V3_OK);
  v3_process_setup setup = {V3_REALTIME, V3_SAMPLE_32, 4096, 48000};
  ASSERT_EQ(v3_cpp_obj(processor)->setup_processing(processor, &setup), V3_OK);
  ASSERT_EQ(v3_cpp_obj(one)->set_active(one, 1), V3_OK);

  OutputParameters shown;
  EXPECT_GT(peak(play_block(processor, shown)), 0.001F);

  MemoryStream saved;
  ASSERT_EQ(v3_cpp_obj(one)->get_state(one, saved.object()), V3_OK);
  v3_component** other = component();
  ASSERT_EQ(v3_cpp_obj(other)->set_state(other, saved.object()), V3_OK);
  MemoryStream again;
  ASSERT_EQ(v3_cpp_obj(other)->get_state(other, again.object()), V3_OK);
  EXPECT_EQ(again.text, saved.text);
  EXPECT_GT(saved.text.size(), 100U);

  EXPECT_EQ(v3_cpp_obj(one)->set_active(one, 0), V3_OK);
  v3_cpp_obj_unref(processor);
  for (v3_component** each : {one, other}) {
    v3_cpp_obj_terminate(each);
    v3_cpp_obj_unref(each);
  }
}

TEST_F(Vst3, ProgramIsTakenWithoutAllocatingAndItsModelFollows) {
  v3_component** one = component();
  v3_audio_processor** processor = nullptr;
  ASSERT_EQ(v3_cpp_obj_query_interface(one, v3_audio_processor_iid, &processor), V3_OK);
  v3_edit_controller** controller = nullptr;
  ASSERT_EQ(v3_cpp_obj_query_interface(one, v3_edit_controller_iid, &controller), V3_OK);
  v3_process_setup setup = {V3_REALTIME, V3_SAMPLE_32, 4096, 48000};
  ASSERT_EQ(v3_cpp_obj(processor)->setup_processing(processor, &setup), V3_OK);
  ASSERT_EQ(v3_cpp_obj(one)->set_active(one, 1), V3_OK);
  const v3_param_id program =
      find_parameter(controller, [](const auto& info) { return (info.flags & V3_PARAM_PROGRAM_CHANGE) != 0; });
  const v3_param_id status = find_parameter(controller, [](const auto& info) {
    return std::equal(info.title, info.title + 7, "Status");  // with its end
  });
  const long long before = allocations();
  EXPECT_EQ(v3_cpp_obj(controller)->set_parameter_normalised(controller, program, 1), V3_OK);  // the last one
  EXPECT_EQ(allocations() - before, 0);
  MemoryStream saved;
  ASSERT_EQ(v3_cpp_obj(one)->get_state(one, saved.object()), V3_OK);
  EXPECT_EQ(saved.text.find("built-in"), std::string::npos) << "not loaded yet, but what the session wants";
  OutputParameters shown;
  for (int wait = 0; wait < 1000 && shown.values[status] == 0; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    play_block(processor, shown);
  }
  EXPECT_EQ(shown.values[status], 0.5);  // of 0 .. 2: its model
  EXPECT_EQ(v3_cpp_obj(one)->set_active(one, 0), V3_OK);
  v3_cpp_obj_unref(controller);
  v3_cpp_obj_unref(processor);
  v3_cpp_obj_terminate(one);
  v3_cpp_obj_unref(one);
}

}  // namespace
}  // namespace diffverb::hosts
