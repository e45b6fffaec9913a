#include "tests/plugin/lv2_host.h"

#include <lv2/atom/util.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/patch/patch.h>
#include <lv2/presets/presets.h>

#include <cstring>
#include <stdexcept>

namespace diffverb::hosts {
namespace {

constexpr std::size_t kEventBytes = 16384;

std::string uri_of(const LilvPlugin* plugin) { return lilv_node_as_uri(lilv_plugin_get_uri(plugin)); }

}  // namespace

Urids::Urids() {
  map_ = {this, [](LV2_URID_Map_Handle self, const char* uri) { return static_cast<Urids*>(self)->of(uri); }};
  unmap_ = {this, [](LV2_URID_Unmap_Handle self, LV2_URID urid) { return static_cast<Urids*>(self)->uri(urid); }};
}

LV2_URID Urids::of(const char* uri) {
  const std::lock_guard lock(lock_);
  const auto [at, is_new] = numbers_.try_emplace(uri, static_cast<LV2_URID>(numbers_.size() + 1));
  if (is_new) uris_.emplace_back(uri);
  return at->second;
}

const char* Urids::uri(LV2_URID urid) {
  const std::lock_guard lock(lock_);
  return urid >= 1 && urid <= uris_.size() ? uris_[urid - 1].c_str() : nullptr;
}

Urids& Urids::all() {
  static Urids urids;
  return urids;
}

Lv2Host::Lv2Host(const std::filesystem::path& bundle, Lv2Offers offers) : offers_(offers) {
  world_ = lilv_world_new();
  LilvNode* uri = lilv_new_file_uri(world_, nullptr, (bundle.string() + "/").c_str());
  lilv_world_load_bundle(world_, uri);
  lilv_node_free(uri);
  const LilvPlugins* plugins = lilv_world_get_all_plugins(world_);
  if (lilv_plugins_size(plugins) != 1) throw std::runtime_error(bundle.string() + ": not one LV2 plug-in");
  plugin_ = lilv_plugins_get(plugins, lilv_plugins_begin(plugins));
  in_buffer_.resize(kEventBytes / 8);
  out_buffer_.resize(kEventBytes / 8);
  schedule_ = {this, schedule};
  chunk_ = Urids::all().of(LV2_ATOM__Chunk);
  find_ports();
}

Lv2Host::~Lv2Host() {
  if (active_) deactivate();
  if (instance_ != nullptr) lilv_instance_free(instance_);
  lilv_world_free(world_);
}

void Lv2Host::find_ports() {
  LilvNode* input = lilv_new_uri(world_, LV2_CORE__InputPort);
  LilvNode* audio = lilv_new_uri(world_, LV2_CORE__AudioPort);
  LilvNode* control = lilv_new_uri(world_, LV2_CORE__ControlPort);
  const uint32_t count = lilv_plugin_get_num_ports(plugin_);
  std::vector<float> lowest(count), highest(count), initial(count);
  lilv_plugin_get_port_ranges_float(plugin_, lowest.data(), highest.data(), initial.data());
  for (uint32_t i = 0; i < count; ++i) {
    const LilvPort* port = lilv_plugin_get_port_by_index(plugin_, i);
    const bool is_input = lilv_port_is_a(plugin_, port, input);
    if (lilv_port_is_a(plugin_, port, audio)) {
      (is_input ? audio_in_ : audio_out_).push_back(i);
    } else if (lilv_port_is_a(plugin_, port, control)) {
      parameters_.push_back(
          {lilv_node_as_string(lilv_port_get_symbol(plugin_, port)), lowest[i], highest[i], initial[i], !is_input});
      parameter_ports_.push_back(i);
      values_.push_back(initial[i]);
    } else {
      (is_input ? events_in_ : events_out_) = i;
    }
  }
  for (LilvNode* node : {input, audio, control}) lilv_node_free(node);
}

void Lv2Host::activate(double rate_hz, int largest_block) {
  block_ = largest_block;
  if (instance_ == nullptr || rate_hz != rate_hz_) {  // LV2 fixes the rate at birth: state goes over to the next one
    const std::string state = instance_ != nullptr ? save() : "";
    if (instance_ != nullptr) lilv_instance_free(instance_);
    rate_hz_ = rate_hz;
    Urids& urids = Urids::all();
    const LV2_Options_Option options[] = {{LV2_OPTIONS_INSTANCE, 0, urids.of(LV2_BUF_SIZE__maxBlockLength), sizeof(int),
                                           urids.of(LV2_ATOM__Int), &block_},
                                          {LV2_OPTIONS_INSTANCE, 0, 0, 0, 0, nullptr}};
    const LV2_Feature map = {LV2_URID__map, urids.map()}, unmap = {LV2_URID__unmap, urids.unmap()},
                      option = {LV2_OPTIONS__options, const_cast<LV2_Options_Option*>(options)},
                      worker = {LV2_WORKER__schedule, &schedule_};
    std::vector<const LV2_Feature*> features = {&map, &unmap};
    if (offers_.options) features.push_back(&option);
    if (offers_.worker) features.push_back(&worker);
    features.push_back(nullptr);
    instance_ = lilv_plugin_instantiate(plugin_, rate_hz, features.data());
    if (instance_ == nullptr) throw std::runtime_error("the LV2 plug-in did not start");
    connect_ports();
    if (!state.empty()) restore(state);
  }
  lilv_instance_activate(instance_);
  active_ = true;
}

void Lv2Host::connect_ports() {
  for (std::size_t i = 0; i < values_.size(); ++i)
    lilv_instance_connect_port(instance_, parameter_ports_[i], &values_[i]);
  lilv_instance_connect_port(instance_, events_in_, in_buffer_.data());
  lilv_instance_connect_port(instance_, events_out_, out_buffer_.data());
  lv2_atom_sequence_clear(reinterpret_cast<LV2_Atom_Sequence*>(in_buffer_.data()));
}

void Lv2Host::deactivate() {
  lilv_instance_deactivate(instance_);
  active_ = false;
}

void Lv2Host::set(int parameter, double value) {
  values_[static_cast<std::size_t>(parameter)] = static_cast<float>(value);
}
double Lv2Host::get(int parameter) const { return values_[static_cast<std::size_t>(parameter)]; }

void Lv2Host::set_text(const std::string& key, const std::string& value) {
  Urids& urids = Urids::all();
  LV2_Atom_Forge forge;
  lv2_atom_forge_init(&forge, urids.map());
  lv2_atom_forge_set_buffer(&forge, reinterpret_cast<uint8_t*>(in_buffer_.data()), kEventBytes);
  LV2_Atom_Forge_Frame sequence, object;
  lv2_atom_forge_sequence_head(&forge, &sequence, 0);
  lv2_atom_forge_frame_time(&forge, 0);
  lv2_atom_forge_object(&forge, &object, 0, urids.of(LV2_PATCH__Set));
  lv2_atom_forge_key(&forge, urids.of(LV2_PATCH__property));
  lv2_atom_forge_urid(&forge, urids.of((uri_of(plugin_) + "#" + key).c_str()));
  lv2_atom_forge_key(&forge, urids.of(LV2_PATCH__value));
  if (key == "preset") {
    lv2_atom_forge_string(&forge, value.c_str(), static_cast<uint32_t>(value.size()));
  } else {
    lv2_atom_forge_path(&forge, value.c_str(), static_cast<uint32_t>(value.size()));
  }
  lv2_atom_forge_pop(&forge, &object);
  lv2_atom_forge_pop(&forge, &sequence);
}

LV2_Worker_Status Lv2Host::schedule(LV2_Worker_Schedule_Handle host, uint32_t size, const void* data) {
  std::vector<uint64_t> copy(size / 8 + 1);
  std::memcpy(copy.data(), data, size);
  static_cast<Lv2Host*>(host)->work_.push_back(std::move(copy));
  return LV2_WORKER_SUCCESS;
}

void Lv2Host::do_work() {
  const auto* interface = static_cast<const LV2_Worker_Interface*>(
      lilv_instance_get_descriptor(instance_)->extension_data(LV2_WORKER__interface));
  for (; !work_.empty(); work_.pop_front()) {
    const auto ignore = [](LV2_Worker_Respond_Handle, uint32_t, const void*) { return LV2_WORKER_SUCCESS; };
    interface->work(lilv_instance_get_handle(instance_), ignore, nullptr,
                    static_cast<uint32_t>(work_.front().size() * 8), work_.front().data());
    ++work_done_;
  }
}

void Lv2Host::process(const float* const* in, float* const* out, int frames) {
  for (std::size_t c = 0; c < audio_in_.size(); ++c)
    lilv_instance_connect_port(instance_, audio_in_[c], const_cast<float*>(in[c]));
  for (std::size_t c = 0; c < audio_out_.size(); ++c) lilv_instance_connect_port(instance_, audio_out_[c], out[c]);
  auto* events = reinterpret_cast<LV2_Atom_Sequence*>(out_buffer_.data());
  events->atom = {static_cast<uint32_t>(kEventBytes - sizeof(LV2_Atom)), chunk_};
  lilv_instance_run(instance_, static_cast<uint32_t>(frames));
  if (!work_.empty()) do_work();
  lv2_atom_sequence_clear(reinterpret_cast<LV2_Atom_Sequence*>(in_buffer_.data()));
}

namespace {

struct Values {
  std::vector<float>* values;
  const std::vector<HostedPlugin::Parameter>* parameters;
  float* find(const char* symbol) const {
    for (std::size_t i = 0; i < values->size(); ++i) {
      if ((*parameters)[i].symbol == symbol) return &(*values)[i];
    }
    return nullptr;
  }
};

const void* get_port(const char* symbol, void* data, uint32_t* size, uint32_t* type) {
  *size = sizeof(float);
  *type = Urids::all().of(LV2_ATOM__Float);
  return static_cast<const Values*>(data)->find(symbol);
}

void set_port(const char* symbol, void* data, const void* value, uint32_t, uint32_t type) {
  float* to = static_cast<const Values*>(data)->find(symbol);
  if (to == nullptr) return;
  if (type == Urids::all().of(LV2_ATOM__Float)) *to = *static_cast<const float*>(value);
  if (type == Urids::all().of(LV2_ATOM__Int)) *to = static_cast<float>(*static_cast<const int32_t*>(value));
}

}  // namespace

void Lv2Host::save_to(const std::filesystem::path& folder) {
  Values values{&values_, &parameters_};
  const std::string path = folder.string();
  LilvState* state =
      lilv_state_new_from_instance(plugin_, instance_, Urids::all().map(), nullptr, path.c_str(), path.c_str(),
                                   path.c_str(), get_port, &values, LV2_STATE_IS_POD | LV2_STATE_IS_PORTABLE, nullptr);
  lilv_state_save(world_, Urids::all().map(), Urids::all().unmap(), state, nullptr, path.c_str(), "state.ttl");
  lilv_state_free(state);
}

void Lv2Host::apply(LilvState* state) {
  if (state == nullptr) throw std::runtime_error("no LV2 state");
  Values values{&values_, &parameters_};
  lilv_state_restore(state, instance_, set_port, &values, 0, nullptr);
  lilv_state_free(state);
}

void Lv2Host::restore_from(const std::filesystem::path& folder) {
  apply(lilv_state_new_from_file(world_, Urids::all().map(), nullptr, (folder / "state.ttl").c_str()));
}

template <typename Use>
void Lv2Host::each_preset(const Use& use) const {
  LilvNode* kind = lilv_new_uri(world_, LV2_PRESETS__Preset);
  LilvNode* label = lilv_new_uri(world_, LILV_NS_RDFS "label");
  LilvNodes* presets = lilv_plugin_get_related(plugin_, kind);
  LILV_FOREACH(nodes, i, presets) {
    const LilvNode* preset = lilv_nodes_get(presets, i);
    lilv_world_load_resource(world_, preset);
    LilvNode* name = lilv_world_get(world_, preset, label, nullptr);
    use(preset, std::string(lilv_node_as_string(name)));
    lilv_node_free(name);
  }
  lilv_nodes_free(presets);
  lilv_node_free(label);
  lilv_node_free(kind);
}

std::vector<std::string> Lv2Host::presets() const {
  std::vector<std::string> names;
  each_preset([&](const LilvNode*, const std::string& name) { names.push_back(name); });
  return names;
}

void Lv2Host::use_preset(const std::string& wanted) {
  each_preset([&](const LilvNode* preset, const std::string& name) {
    if (name == wanted) apply(lilv_state_new_from_world(world_, Urids::all().map(), preset));
  });
}

std::string Lv2Host::save() {
  Values values{&values_, &parameters_};
  LilvState* state =
      lilv_state_new_from_instance(plugin_, instance_, Urids::all().map(), nullptr, nullptr, nullptr, nullptr, get_port,
                                   &values, LV2_STATE_IS_POD | LV2_STATE_IS_PORTABLE, nullptr);
  char* text =
      lilv_state_to_string(world_, Urids::all().map(), Urids::all().unmap(), state, "urn:diffverb:state", nullptr);
  const std::string saved = text;
  lilv_free(text);
  lilv_state_free(state);
  return saved;
}

bool Lv2Host::restore(const std::string& text) {
  apply(lilv_state_new_from_string(world_, Urids::all().map(), text.c_str()));
  return true;
}

std::unique_ptr<HostedPlugin> open_lv2(const std::string& bundle) { return std::make_unique<Lv2Host>(bundle); }

}  // namespace diffverb::hosts
