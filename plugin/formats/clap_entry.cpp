// What a host finds in a plug-in's CLAP binary, around DPF's entry (renamed to dpf_clap_entry). DPF 1.6
//   - writes the start of the state again where a host's stream takes it in pieces, and reads memory that it has not set
//     where a stream gives it in pieces; here the state goes through memory as a whole;
//   - believes every event: here those that are not ours, or name no parameter, do not reach it;
//   - takes any identifier, names no version, calls no port mono or stereo, and does nothing on reset;
//   - tells the host of no parameter that the plug-in itself has moved.

#include <cstring>
#include <exception>
#include <memory>
#include <string>

#include "plugin/DistrhoPluginInfo.h"
#include "plugin/formats/whole_state.h"
#include "plugin/reverb_plugin.h"
#include "src/clap/entry.h"
#include "src/clap/events.h"
#include "src/clap/ext/audio-ports.h"
#include "src/clap/ext/params.h"
#include "src/clap/ext/state.h"
#include "src/clap/plugin-factory.h"

extern "C" const clap_plugin_entry_t dpf_clap_entry;

namespace diffverb::plugin {
namespace {

/// A plug-in as the host sees it: DPF's functions, but for some.
struct Wrapped {
  clap_plugin_t face;  // first: what the host hands back
  const clap_plugin_t* dpf;
  ReverbPlugin* reverb;
  unsigned told_matches = 0;  // process() only
};
Wrapped& wrapped(const clap_plugin_t* plugin) {
  return *reinterpret_cast<Wrapped*>(const_cast<clap_plugin_t*>(plugin));  // made by create()
}

const clap_plugin_state_t* dpf_state(const clap_plugin_t* plugin) {
  const clap_plugin_t* dpf = wrapped(plugin).dpf;
  return static_cast<const clap_plugin_state_t*>(dpf->get_extension(dpf, CLAP_EXT_STATE));
}

bool save(const clap_plugin_t* plugin, const clap_ostream_t* stream) try {
  std::string state;
  const clap_ostream_t memory = {&state, [](const clap_ostream_t* to, const void* data, uint64_t size) -> int64_t {
                                   static_cast<std::string*>(to->ctx)->append(static_cast<const char*>(data), size);
                                   return static_cast<int64_t>(size);
                                 }};
  if (!dpf_state(plugin)->save(plugin, &memory)) return false;
  return write_state(state, [&](const char* data, std::size_t size) { return stream->write(stream, data, size); });
} catch (const std::exception&) {
  return false;
}

bool load(const clap_plugin_t* plugin, const clap_istream_t* stream) try {
  const auto state = read_state([&](char* data, std::size_t size) { return stream->read(stream, data, size); });
  if (!state) return false;
  Rest rest(*state);
  const clap_istream_t memory = {&rest, [](const clap_istream_t* from, void* data, uint64_t size) -> int64_t {
                                   return static_cast<int64_t>(static_cast<Rest*>(from->ctx)->take(data, size));
                                 }};
  return dpf_state(plugin)->load(plugin, &memory);
} catch (const std::exception&) {
  return false;
}

/// The host's events, as DPF may see them; `ctx` is the host's list.
uint32_t event_count(const clap_input_events_t* list) {
  const auto* host = static_cast<const clap_input_events_t*>(list->ctx);
  return host->size(host);
}

const clap_event_header_t* event_at(const clap_input_events_t* list, uint32_t index) {
  static const clap_event_header_t nothing = {sizeof nothing, 0, CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_NOTE_CHOKE, 0};
  const auto* host = static_cast<const clap_input_events_t*>(list->ctx);
  const clap_event_header_t* event = host->get(host, index);
  if (event == nullptr || event->space_id != CLAP_CORE_EVENT_SPACE_ID || event->type != CLAP_EVENT_PARAM_VALUE ||
      event->size != sizeof(clap_event_param_value_t))
    return &nothing;
  return reinterpret_cast<const clap_event_param_value_t*>(event)->param_id < kControls ? event : &nothing;
}

/// x, y and z as the host's events where a measured response has moved them.
void tell_matches(Wrapped& plugin, const clap_output_events_t& host) {
  const unsigned now = plugin.reverb->matches();
  if (now == plugin.told_matches) return;
  for (const runtime::Control control : {runtime::Control::kX, runtime::Control::kY, runtime::Control::kZ}) {
    const clap_event_param_value_t event = {{sizeof event, 0, CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_VALUE, 0},
                                            static_cast<clap_id>(control),
                                            nullptr,
                                            -1,
                                            -1,
                                            -1,
                                            -1,
                                            plugin.reverb->reverb().get(control)};
    if (!host.try_push(&host, &event.header)) return;  // then with the next block
  }
  plugin.told_matches = now;
}

clap_process_status process(const clap_plugin_t* plugin, const clap_process_t* given) {
  clap_process_t changed = *given;
  const clap_input_events_t events = {const_cast<clap_input_events_t*>(given->in_events), event_count, event_at};
  if (given->in_events != nullptr) changed.in_events = &events;
  const clap_process_status status = wrapped(plugin).dpf->process(plugin, &changed);
  if (given->out_events != nullptr) tell_matches(wrapped(plugin), *given->out_events);
  return status;
}

const clap_plugin_params_t* dpf_params(const clap_plugin_t* plugin) {
  const clap_plugin_t* dpf = wrapped(plugin).dpf;
  return static_cast<const clap_plugin_params_t*>(dpf->get_extension(dpf, CLAP_EXT_PARAMS));
}

void flush(const clap_plugin_t* plugin, const clap_input_events_t* in, const clap_output_events_t* out) {
  const clap_input_events_t events = {const_cast<clap_input_events_t*>(in), event_count, event_at};
  dpf_params(plugin)->flush(plugin, in != nullptr ? &events : nullptr, out);
}

const clap_plugin_audio_ports_t* dpf_ports(const clap_plugin_t* plugin) {
  const clap_plugin_t* dpf = wrapped(plugin).dpf;
  return static_cast<const clap_plugin_audio_ports_t*>(dpf->get_extension(dpf, CLAP_EXT_AUDIO_PORTS));
}

uint32_t port_count(const clap_plugin_t* plugin, bool is_input) { return dpf_ports(plugin)->count(plugin, is_input); }

bool port_at(const clap_plugin_t* plugin, uint32_t index, bool is_input, clap_audio_port_info_t* info) {
  if (!dpf_ports(plugin)->get(plugin, index, is_input, info)) return false;
  info->port_type = info->channel_count == 1 ? CLAP_PORT_MONO : CLAP_PORT_STEREO;
  return true;
}

const void* get_extension(const clap_plugin_t* plugin, const char* id) {
  static const clap_plugin_state_t state = {save, load};
  static const clap_plugin_audio_ports_t ports = {port_count, port_at};
  static const clap_plugin_params_t params = [plugin] {
    clap_plugin_params_t changed = *dpf_params(plugin);
    changed.flush = flush;
    return changed;
  }();
  if (std::strcmp(id, CLAP_EXT_STATE) == 0) return &state;
  if (std::strcmp(id, CLAP_EXT_AUDIO_PORTS) == 0) return &ports;
  if (std::strcmp(id, CLAP_EXT_PARAMS) == 0) return &params;
  const clap_plugin_t* dpf = wrapped(plugin).dpf;
  return dpf->get_extension(dpf, id);
}

void destroy(const clap_plugin_t* plugin) {
  const std::unique_ptr<const Wrapped> ended(&wrapped(plugin));
  ended->dpf->destroy(ended->dpf);
}

const clap_plugin_factory_t* dpf_factory() {
  return static_cast<const clap_plugin_factory_t*>(dpf_clap_entry.get_factory(CLAP_PLUGIN_FACTORY_ID));
}

const clap_plugin_descriptor_t* descriptor(const clap_plugin_factory_t*, uint32_t index) {
  static clap_plugin_descriptor_t ours;
  const clap_plugin_factory_t* dpf = dpf_factory();
  if (index >= dpf->get_plugin_count(dpf)) return nullptr;
  ours = *dpf->get_plugin_descriptor(dpf, index);
  ours.version = DIFFVERB_PLUGIN_VERSION;
  return &ours;
}

const clap_plugin_t* create(const clap_plugin_factory_t* factory, const clap_host_t* host, const char* id) try {
  if (id == nullptr || std::strcmp(id, DISTRHO_PLUGIN_CLAP_ID) != 0) return nullptr;
  auto plugin = std::make_unique<Wrapped>();
  plugin->dpf = dpf_factory()->create_plugin(dpf_factory(), host, id);
  if (plugin->dpf == nullptr) return nullptr;
  plugin->face = *plugin->dpf;
  plugin->reverb = ReverbPlugin::last_made();
  plugin->face.desc = descriptor(factory, 0);
  plugin->face.get_extension = get_extension;
  plugin->face.destroy = destroy;
  plugin->face.process = process;
  plugin->face.reset = [](const clap_plugin_t* self) { wrapped(self).reverb->reverb().reset(); };
  return &plugin.release()->face;
} catch (const std::exception&) {
  return nullptr;
}

uint32_t count(const clap_plugin_factory_t*) { return 1; }

const void* get_factory(const char* id) {
  static const clap_plugin_factory_t factory = {count, descriptor, create};
  return std::strcmp(id, CLAP_PLUGIN_FACTORY_ID) == 0 ? &factory : nullptr;
}

bool init(const char* path) { return dpf_clap_entry.init(path); }
void deinit() { dpf_clap_entry.deinit(); }

}  // namespace
}  // namespace diffverb::plugin

DISTRHO_PLUGIN_EXPORT const clap_plugin_entry_t clap_entry = {CLAP_VERSION, diffverb::plugin::init,
                                                              diffverb::plugin::deinit, diffverb::plugin::get_factory};
