// What a host finds in a plug-in's VST3 binary, around DPF's factory (renamed to dpf_plugin_factory). DPF 1.6
//   - writes the start of the state again where a host's stream takes it in pieces, and reads memory that it has not set
//     where a stream gives it in pieces; here the state goes through memory as a whole;
//   - takes what it understands of a state that is cut or someone else's; here that is refused before.

#include <exception>
#include <string>

#include "plugin/formats/whole_state.h"
#include "src/DistrhoDefines.h"
#include "src/travesty/component.h"
#include "src/travesty/factory.h"

extern "C" const void* dpf_plugin_factory(void);

namespace diffverb::plugin {
namespace {

/// DPF's functions of a component; `first` names them in the first call.
const v3_component& dpf(const v3_component* first = nullptr) {
  static const v3_component functions = *first;
  return functions;
}

/// A stream in memory. What VST3 takes for an object begins with a pointer to its functions.
struct MemoryStream {
  struct Functions : v3_funknown {
    v3_bstream stream;
  };
  Functions* functions = &all();
  std::string written;
  Rest rest{written};

  v3_bstream** object() { return reinterpret_cast<v3_bstream**>(&functions); }

  static Functions& all() {
    static Functions functions = [] {
      Functions f{};
      f.query_interface = [](void*, const v3_tuid, void**) -> v3_result { return V3_NO_INTERFACE; };
      f.ref = f.unref = [](void*) { return 1U; };  // it outlives the call
      f.stream.read = [](void* self, void* data, int32_t size, int32_t* read) -> v3_result {
        *read = static_cast<int32_t>(static_cast<MemoryStream*>(self)->rest.take(data, static_cast<std::size_t>(size)));
        return V3_OK;
      };
      f.stream.write = [](void* self, void* data, int32_t size, int32_t* written) -> v3_result {
        static_cast<MemoryStream*>(self)->written.append(static_cast<const char*>(data),
                                                         static_cast<std::size_t>(size));
        *written = size;
        return V3_OK;
      };
      f.stream.seek = [](void*, int64_t, int32_t, int64_t*) -> v3_result { return V3_NOT_IMPLEMENTED; };
      f.stream.tell = [](void*, int64_t*) -> v3_result { return V3_NOT_IMPLEMENTED; };
      return f;
    }();
    return functions;
  }
};

v3_result V3_API get_state(void* self, v3_bstream** stream) try {
  MemoryStream memory;
  if (const v3_result result = dpf().get_state(self, memory.object()); result != V3_OK) return result;
  const bool whole = write_state(memory.written, [&](char* data, std::size_t size) {
    int32_t now = 0;
    return v3_cpp_obj(stream)->write(stream, data, static_cast<int32_t>(size), &now) == V3_OK ? now : -1;
  });
  return whole ? V3_OK : V3_INTERNAL_ERR;
} catch (const std::exception&) {
  return V3_NOMEM;
}

v3_result V3_API set_state(void* self, v3_bstream** stream) try {
  const auto state = read_state([&](char* data, std::size_t size) {  // some hosts end a stream with an error
    int32_t now = 0;
    return v3_cpp_obj(stream)->read(stream, data, static_cast<int32_t>(size), &now) == V3_OK ? now : 0;
  });
  if (!state) return V3_INVALID_ARG;
  MemoryStream memory;
  memory.rest = Rest(*state);
  return dpf().set_state(self, memory.object());
} catch (const std::exception&) {
  return V3_NOMEM;
}

using CreateInstance = decltype(v3_plugin_factory::create_instance);
CreateInstance dpf_create(CreateInstance first = nullptr) {
  static const CreateInstance create = first;
  return create;
}

/// DPF 1.6 makes components only, each with functions of its own.
v3_result V3_API create_instance(void* factory, const v3_tuid class_id, const v3_tuid iid, void** instance) {
  const v3_result result = dpf_create()(factory, class_id, iid, instance);
  if (result != V3_OK) return result;
  v3_component& component = (*static_cast<v3_component_cpp**>(*instance))->comp;
  dpf(&component);
  component.set_state = set_state;
  component.get_state = get_state;
  return V3_OK;
}

}  // namespace
}  // namespace diffverb::plugin

DISTRHO_PLUGIN_EXPORT const void* GetPluginFactory(void);
DISTRHO_PLUGIN_EXPORT const void* GetPluginFactory(void) {
  const void* factory = dpf_plugin_factory();
  v3_plugin_factory& functions = (*static_cast<v3_plugin_factory_cpp* const*>(factory))->v1;
  diffverb::plugin::dpf_create(functions.create_instance);
  functions.create_instance = diffverb::plugin::create_instance;
  return factory;
}
