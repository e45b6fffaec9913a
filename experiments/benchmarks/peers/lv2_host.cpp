// Plays an LV2 plug-in with a worker (lilv; Debian: apt-get install liblilv-dev lv2-dev lsp-plugins-lv2):
//     c++ -std=c++17 -O2 -I train/bench lv2_host.cpp $(pkg-config --cflags --libs lilv-0) -o lv2_host
//     ./lv2_host SOUND.f32 BLOCK PLUGIN_URI [PARAMETER_URI=FILE] [symbol=value]...
// A parameter that begins with http is a file and is set by patch:Set. It counts as ready when an impulse is answered.
#include <lilv/lilv.h>
#include <lv2/atom/forge.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/options/options.h>
#include <lv2/patch/patch.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <thread>

#include "turns.h"

namespace {

using namespace diffverb::turns;

std::map<std::string, LV2_URID>& urids() {
  static std::map<std::string, LV2_URID> all;
  return all;
}
LV2_URID map_uri(LV2_URID_Map_Handle, const char* uri) {
  return urids().emplace(uri, static_cast<LV2_URID>(urids().size() + 1)).first->second;
}
const char* unmap_uri(LV2_URID_Unmap_Handle, LV2_URID urid) {
  for (const auto& [uri, number] : urids()) {
    if (number == urid) return uri.c_str();
  }
  return nullptr;
}

/// What the plug-in asks to be done elsewhere is done between blocks, outside of the time that is measured.
struct Worker {
  std::deque<std::string> asked, answered;
  static LV2_Worker_Status ask(void* self, uint32_t size, const void* data) {
    static_cast<Worker*>(self)->asked.emplace_back(static_cast<const char*>(data), size);
    return LV2_WORKER_SUCCESS;
  }
  static LV2_Worker_Status answer(void* self, uint32_t size, const void* data) {
    static_cast<Worker*>(self)->answered.emplace_back(static_cast<const char*>(data), size);
    return LV2_WORKER_SUCCESS;
  }
};

class Plugin {
 public:
  Plugin(const char* uri, int block) : block_(block), world_(lilv_world_new()) {
    lilv_world_load_all(world_);
    LilvNode* node = lilv_new_uri(world_, uri);
    plugin_ = lilv_plugins_get_by_uri(lilv_world_get_all_plugins(world_), node);
    lilv_node_free(node);
    if (!plugin_) return;
    const LV2_URID integer = map_uri(nullptr, LV2_ATOM__Int);
    static const int32_t one = 1, sequence = 1 << 18;
    const LV2_Options_Option options[] = {
        {LV2_OPTIONS_INSTANCE, 0, map_uri(nullptr, LV2_BUF_SIZE__minBlockLength), sizeof(int32_t), integer, &one},
        {LV2_OPTIONS_INSTANCE, 0, map_uri(nullptr, LV2_BUF_SIZE__maxBlockLength), sizeof(int32_t), integer, &block_},
        {LV2_OPTIONS_INSTANCE, 0, map_uri(nullptr, LV2_BUF_SIZE__sequenceSize), sizeof(int32_t), integer, &sequence},
        {}};
    LV2_Feature features[] = {{LV2_URID__map, &map_},
                              {LV2_URID__unmap, &unmap_},
                              {LV2_WORKER__schedule, &schedule_},
                              {LV2_OPTIONS__options, const_cast<LV2_Options_Option*>(options)},
                              {LV2_BUF_SIZE__boundedBlockLength, nullptr}};
    const LV2_Feature* list[] = {&features[0], &features[1], &features[2], &features[3], &features[4], nullptr};
    instance_ = lilv_plugin_instantiate(plugin_, kRate, list);
    if (!instance_) return;
    work_ =
        static_cast<const LV2_Worker_Interface*>(lilv_instance_get_extension_data(instance_, LV2_WORKER__interface));
    connect();
    lilv_instance_activate(instance_);
  }

  bool is_ready() const { return instance_ && audio_in_.size() == 2 && audio_out_.size() == 2; }
  std::string name() const {
    LilvNode* node = lilv_plugin_get_name(plugin_);
    std::string text = lilv_node_as_string(node);
    lilv_node_free(node);
    return text;
  }
  void set(const std::string& symbol, float value) {
    const auto port = controls_.find(symbol);
    if (port != controls_.end()) values_[port->second] = value;
  }
  /// A patch:Set with an atom:Path, in the next block.
  void set_file(const std::string& parameter, const std::string& file) {
    const auto urid = [](const char* uri) { return map_uri(nullptr, uri); };
    LV2_Atom_Forge forge;
    lv2_atom_forge_init(&forge, &map_);
    lv2_atom_forge_set_buffer(&forge, reinterpret_cast<uint8_t*>(events_.data()), events_.size() * sizeof(uint64_t));
    LV2_Atom_Forge_Frame all, set;
    lv2_atom_forge_sequence_head(&forge, &all, 0);
    lv2_atom_forge_frame_time(&forge, 0);
    lv2_atom_forge_object(&forge, &set, 0, urid(LV2_PATCH__Set));
    lv2_atom_forge_key(&forge, urid(LV2_PATCH__property));
    lv2_atom_forge_urid(&forge, urid(parameter.c_str()));
    lv2_atom_forge_key(&forge, urid(LV2_PATCH__value));
    lv2_atom_forge_path(&forge, file.c_str(), static_cast<uint32_t>(file.size() + 1));
    lv2_atom_forge_pop(&forge, &set);
    lv2_atom_forge_pop(&forge, &all);
    has_event_ = true;
  }

  void play(const float** in, float** out, int frames) {
    if (!has_event_) empty(events_);
    empty_output();
    for (int c = 0; c < 2; ++c) {
      lilv_instance_connect_port(instance_, audio_in_[static_cast<std::size_t>(c)], const_cast<float*>(in[c]));
      lilv_instance_connect_port(instance_, audio_out_[static_cast<std::size_t>(c)], out[c]);
    }
    lilv_instance_run(instance_, static_cast<uint32_t>(frames));
    has_event_ = false;
    if (!worker_.asked.empty()) do_work();
  }

 private:
  void connect() {
    const uint32_t ports = lilv_plugin_get_num_ports(plugin_);
    values_.assign(ports, 0.0f);
    lilv_plugin_get_port_ranges_float(plugin_, nullptr, nullptr, values_.data());
    const auto is = [&](const LilvPort* port, const char* uri) {
      LilvNode* node = lilv_new_uri(world_, uri);
      const bool yes = lilv_port_is_a(plugin_, port, node);
      lilv_node_free(node);
      return yes;
    };
    events_.assign(1 << 15, 0), answers_ = events_;
    for (uint32_t p = 0; p < ports; ++p) {
      const LilvPort* port = lilv_plugin_get_port_by_index(plugin_, p);
      const bool input = is(port, LV2_CORE__InputPort);
      if (is(port, LV2_CORE__AudioPort)) {
        (input ? audio_in_ : audio_out_).push_back(p);
      } else if (is(port, LV2_ATOM__AtomPort)) {
        lilv_instance_connect_port(instance_, p, input ? events_.data() : answers_.data());
      } else {
        if (std::isnan(values_[p])) values_[p] = 0;
        controls_[lilv_node_as_string(lilv_port_get_symbol(plugin_, port))] = p;
        lilv_instance_connect_port(instance_, p, &values_[p]);
      }
    }
  }
  void empty(std::vector<uint64_t>& buffer) {
    auto* sequence = reinterpret_cast<LV2_Atom_Sequence*>(buffer.data());
    sequence->atom = {sizeof(LV2_Atom_Sequence_Body), map_uri(nullptr, LV2_ATOM__Sequence)};
    sequence->body = {};
  }
  void empty_output() {
    auto* atom = reinterpret_cast<LV2_Atom*>(answers_.data());
    *atom = {static_cast<uint32_t>(answers_.size() * sizeof(uint64_t) - sizeof(LV2_Atom)),
             map_uri(nullptr, LV2_ATOM__Chunk)};
  }
  void do_work() {
    const LV2_Handle handle = lilv_instance_get_handle(instance_);
    for (; !worker_.asked.empty(); worker_.asked.pop_front()) {
      const std::string& data = worker_.asked.front();
      work_->work(handle, Worker::answer, &worker_, static_cast<uint32_t>(data.size()), data.data());
    }
    for (; !worker_.answered.empty(); worker_.answered.pop_front()) {
      const std::string& data = worker_.answered.front();
      work_->work_response(handle, static_cast<uint32_t>(data.size()), data.data());
    }
  }

  int32_t block_;
  LilvWorld* world_;
  const LilvPlugin* plugin_ = nullptr;
  LilvInstance* instance_ = nullptr;
  const LV2_Worker_Interface* work_ = nullptr;
  Worker worker_;
  LV2_URID_Map map_{nullptr, map_uri};
  LV2_URID_Unmap unmap_{nullptr, unmap_uri};
  LV2_Worker_Schedule schedule_{&worker_, Worker::ask};
  std::vector<float> values_;
  std::map<std::string, uint32_t> controls_;
  std::vector<uint32_t> audio_in_, audio_out_;
  std::vector<uint64_t> events_, answers_;
  bool has_event_ = false;
};

/// Ten seconds at most until an impulse comes back.
bool answers(Plugin& plugin, int block) {
  std::vector<float> silence(static_cast<std::size_t>(block), 0.0f), impulse = silence, left = silence, right = silence;
  impulse[0] = 1;
  float* out[2] = {left.data(), right.data()};
  for (int attempt = 0; attempt < 10 * kRate / block; ++attempt) {
    const float* in[2] = {impulse.data(), impulse.data()};
    if (attempt % 50 != 0) in[0] = in[1] = silence.data();
    plugin.play(in, out, block);
    if (attempt % 50 == 0 && left[0] != 0 && right[0] != 0) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(1000000 * block / kRate));
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 1;
  const int block = std::atoi(argv[2]);
  Plugin plugin(argv[3], block);
  if (!plugin.is_ready()) return 1;
  flush_denormals();
  for (int i = 4; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.rfind('=');
    if (equals == std::string::npos) return 1;
    const std::string name = argument.substr(0, equals), value = argument.substr(equals + 1);
    if (name.rfind("http", 0) == 0)
      plugin.set_file(name, value);
    else
      plugin.set(name, std::strtof(value.c_str(), nullptr));
  }
  if (!answers(plugin, block)) return 1;
  return take_turns(plugin.name(), read_sound(argv[1]), block,
                    [&](const float** in, float** out, int frames) { plugin.play(in, out, frames); });
}
