// What a host asks for in a plug-in's LV2 binary, around DPF's descriptor (renamed to dpf_lv2_descriptor). DPF 1.6
//   - gives up where the host has no worker or no options; here it is handed ones that do the least: without a worker, files
//     come by restored state only, and what plays goes on playing;
//   - saves a path as it stands; here it goes through the host's state:mapPath, so that a session folder can be moved;
//   - leaves alone what a restored state does not mention; here a text that was not saved is a text that was empty;
//   - reads a text until its zero, wherever that is; here it ends where the host says;
//   - copies the state in the audio thread where a host changes a program: presets are LV2's own, there are no programs.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugin/DistrhoPluginInfo.h"
#include "plugin/reverb_plugin.h"
#include "src/lv2/atom.h"
#include "src/lv2/lv2.h"
#include "src/lv2/lv2_programs.h"
#include "src/lv2/options.h"
#include "src/lv2/state.h"
#include "src/lv2/urid.h"
#include "src/lv2/worker.h"

extern "C" const LV2_Descriptor* dpf_lv2_descriptor(uint32_t index);

namespace diffverb::plugin {
namespace {

/// The URIDs of a host, for one instance.
struct Uris {
  LV2_URID path = 0, string = 0, preset_key = 0;
  std::vector<LV2_URID> path_keys;
};
std::mutex instances_lock;  // taken where instances come, go, are saved and restored; never by run()
std::map<LV2_Handle, Uris> instances;

Uris uris_of(LV2_Handle instance) {
  const std::lock_guard lock(instances_lock);
  const auto found = instances.find(instance);
  return found == instances.end() ? Uris{} : found->second;
}

template <typename T>
const T* feature(const LV2_Feature* const* features, const char* uri) {
  for (; features != nullptr && *features != nullptr; ++features) {
    if (std::strcmp((*features)->URI, uri) == 0) return static_cast<const T*>((*features)->data);
  }
  return nullptr;
}

LV2_Worker_Status refuse_work(LV2_Worker_Schedule_Handle, uint32_t, const void*) { return LV2_WORKER_ERR_UNKNOWN; }

struct Cleanup {
  void operator()(void* instance) const { dpf_lv2_descriptor(0)->cleanup(instance); }
};

LV2_Handle instantiate(const LV2_Descriptor*, double rate_hz, const char* bundle, const LV2_Feature* const* given) try {
  static const LV2_Options_Option no_options[] = {{LV2_OPTIONS_INSTANCE, 0, 0, 0, 0, nullptr}};
  static LV2_Worker_Schedule no_worker = {nullptr, refuse_work};
  static const LV2_Feature options = {LV2_OPTIONS__options, const_cast<LV2_Options_Option*>(no_options)};
  static const LV2_Feature worker = {LV2_WORKER__schedule, &no_worker};

  std::vector<const LV2_Feature*> features;
  for (auto each = given; each != nullptr && *each != nullptr; ++each) features.push_back(*each);
  if (feature<void>(given, LV2_OPTIONS__options) == nullptr) features.push_back(&options);
  if (feature<void>(given, LV2_WORKER__schedule) == nullptr) features.push_back(&worker);
  features.push_back(nullptr);

  const LV2_Descriptor* dpf = dpf_lv2_descriptor(0);
  std::unique_ptr<void, Cleanup> instance(dpf->instantiate(dpf, rate_hz, bundle, features.data()));
  const auto* map = feature<LV2_URID_Map>(given, LV2_URID__map);
  if (instance == nullptr || map == nullptr) return instance.release();
  const auto urid = [map](const std::string& uri) { return map->map(map->handle, uri.c_str()); };
  const auto key_of = [&](StateKey key) { return urid(std::string(DISTRHO_PLUGIN_URI "#") + state_id(key)); };
  Uris uris{urid(LV2_ATOM__Path), urid(LV2_ATOM__String), key_of(StateKey::kPreset), {}};
  for (const StateKey key : {StateKey::kModel, StateKey::kResponse}) uris.path_keys.push_back(key_of(key));
  const std::lock_guard lock(instances_lock);
  instances[instance.get()] = std::move(uris);
  return instance.release();
} catch (const std::exception&) {
  return nullptr;
}

void cleanup(LV2_Handle instance) {
  {
    const std::lock_guard lock(instances_lock);
    instances.erase(instance);
  }
  dpf_lv2_descriptor(0)->cleanup(instance);
}

const LV2_State_Interface* dpf_state() {
  return static_cast<const LV2_State_Interface*>(dpf_lv2_descriptor(0)->extension_data(LV2_STATE__interface));
}

/// A path that the host made, freed as it asks.
class HostPath {
 public:
  HostPath(char* path, const LV2_State_Free_Path* free) : path_(path), free_(free) {}
  ~HostPath() {
    if (path_ == nullptr) return;
    free_ != nullptr ? free_->free_path(free_->handle, path_) : std::free(path_);
  }
  HostPath(const HostPath&) = delete;
  HostPath& operator=(const HostPath&) = delete;
  /// Where the host made none, `path` as it stands.
  const char* or_else(const char* path) const { return path_ != nullptr ? path_ : path; }

 private:
  char* path_;
  const LV2_State_Free_Path* free_;
};

struct Saving {
  LV2_State_Store_Function store;
  LV2_State_Handle handle;
  const LV2_State_Map_Path* map;
  const LV2_State_Free_Path* free;
  LV2_URID path;
};

LV2_State_Status store(LV2_State_Handle handle, uint32_t key, const void* value, size_t size, uint32_t type,
                       uint32_t flags) {
  const auto& to = *static_cast<const Saving*>(handle);
  if (type != to.path) return to.store(to.handle, key, value, size, type, flags);
  const char* path = static_cast<const char*>(value);
  if (*path == '\0') return LV2_STATE_SUCCESS;
  if (to.map == nullptr) return to.store(to.handle, key, value, size, type, LV2_STATE_IS_POD);
  const HostPath mapped(to.map->abstract_path(to.map->handle, path), to.free);
  const char* portable = mapped.or_else(path);
  return to.store(to.handle, key, portable, std::strlen(portable) + 1, type, flags);
}

LV2_State_Status save(LV2_Handle instance, LV2_State_Store_Function host_store, LV2_State_Handle handle, uint32_t flags,
                      const LV2_Feature* const* features) try {
  Saving saving{host_store, handle, feature<LV2_State_Map_Path>(features, LV2_STATE__mapPath),
                feature<LV2_State_Free_Path>(features, LV2_STATE__freePath), uris_of(instance).path};
  return dpf_state()->save(instance, store, &saving, flags, features);
} catch (const std::exception&) {
  return LV2_STATE_ERR_UNKNOWN;
}

struct Restoring {
  LV2_State_Retrieve_Function retrieve;
  LV2_State_Handle handle;
  const LV2_State_Map_Path* map;
  const LV2_State_Free_Path* free;
  Uris uris;
  std::string value;  ///< what was handed to DPF last
};

const void* retrieve(LV2_State_Handle handle, uint32_t key, size_t* size, uint32_t* type, uint32_t* flags) {
  auto& from = *static_cast<Restoring*>(handle);
  const void* found = from.retrieve(from.handle, key, size, type, flags);
  const auto& paths = from.uris.path_keys;
  const bool is_path = std::find(paths.begin(), paths.end(), key) != paths.end();
  if (!is_path && key != from.uris.preset_key) return found;
  from.value.clear();
  const bool is_text =
      found != nullptr && (*type == from.uris.path || *type == from.uris.string);  // presets say string
  if (is_text) from.value.assign(static_cast<const char*>(found), *size);
  from.value.resize(std::min(from.value.find('\0'), from.value.size()));
  if (is_path && !from.value.empty() && from.map != nullptr) {
    const HostPath mapped(from.map->absolute_path(from.map->handle, from.value.c_str()), from.free);
    from.value = std::string(mapped.or_else(from.value.c_str()));
  }
  *size = from.value.size() + 1;
  *type = is_path ? from.uris.path : from.uris.string;
  return from.value.c_str();
}

LV2_State_Status restore(LV2_Handle instance, LV2_State_Retrieve_Function host_retrieve, LV2_State_Handle handle,
                         uint32_t flags, const LV2_Feature* const* features) try {
  Restoring restoring{host_retrieve,
                      handle,
                      feature<LV2_State_Map_Path>(features, LV2_STATE__mapPath),
                      feature<LV2_State_Free_Path>(features, LV2_STATE__freePath),
                      uris_of(instance),
                      {}};
  return dpf_state()->restore(instance, retrieve, &restoring, flags, features);
} catch (const std::exception&) {
  return LV2_STATE_ERR_UNKNOWN;
}

const void* extension_data(const char* uri) {
  static const LV2_State_Interface state = {save, restore};
  if (std::strcmp(uri, LV2_STATE__interface) == 0) return &state;
  if (std::strcmp(uri, LV2_PROGRAMS__Interface) == 0) return nullptr;
  return dpf_lv2_descriptor(0)->extension_data(uri);
}

}  // namespace
}  // namespace diffverb::plugin

DISTRHO_PLUGIN_EXPORT const LV2_Descriptor* lv2_descriptor(uint32_t index) {
  static const LV2_Descriptor ours = [] {
    LV2_Descriptor descriptor = *dpf_lv2_descriptor(0);
    descriptor.instantiate = diffverb::plugin::instantiate;
    descriptor.cleanup = diffverb::plugin::cleanup;
    descriptor.extension_data = diffverb::plugin::extension_data;
    return descriptor;
  }();
  return index == 0 ? &ours : nullptr;
}
