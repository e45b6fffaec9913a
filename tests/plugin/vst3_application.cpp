#include "tests/plugin/vst3_application.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "tests/plugin/vst3_objects.h"

namespace diffverb::hosts {
namespace {

/// A message with its attributes, gone with the last one who holds it.
class Message {
 public:
  Message() : attributes_{attribute_functions(), this} {}
  v3_message** object() { return reinterpret_cast<v3_message**>(&functions_); }

 private:
  struct Functions : v3_funknown {
    v3_message message;
  };
  struct AttributeFunctions : v3_funknown {
    v3_attribute_list list;
  };
  struct Attributes {
    AttributeFunctions* functions;
    Message* of;
  };
  static Message& of(void* attributes) { return *static_cast<Attributes*>(attributes)->of; }

  static Functions* functions() {
    static Functions all = [] {
      auto f = functions_of_kept_objects<Functions>();
      f.ref = [](void* self) { return ++static_cast<Message*>(self)->references_; };
      f.unref = [](void* self) {
        const uint32_t left = --static_cast<Message*>(self)->references_;
        if (left == 0) delete static_cast<Message*>(self);
        return left;
      };
      f.message.get_message_id = [](void* self) { return static_cast<Message*>(self)->id_.c_str(); };
      f.message.set_message_id = [](void* self, const char* id) { static_cast<Message*>(self)->id_ = id; };
      f.message.get_attributes = [](void* self) {
        return reinterpret_cast<v3_attribute_list**>(&static_cast<Message*>(self)->attributes_);
      };
      return f;
    }();
    return &all;
  }

  template <typename Value>
  static v3_result find(const std::map<std::string, Value>& in, const char* id, Value* value) {
    const auto found = in.find(id);
    if (found == in.end()) return V3_INVALID_ARG;
    *value = found->second;
    return V3_OK;
  }

  static AttributeFunctions* attribute_functions() {
    static AttributeFunctions all = [] {
      auto f = functions_of_kept_objects<AttributeFunctions>();
      f.list.set_int = [](void* self, const char* id, int64_t value) -> v3_result {
        of(self).numbers_[id] = value;
        return V3_OK;
      };
      f.list.get_int = [](void* self, const char* id, int64_t* value) { return find(of(self).numbers_, id, value); };
      f.list.set_float = [](void* self, const char* id, double value) -> v3_result {
        of(self).values_[id] = value;
        return V3_OK;
      };
      f.list.get_float = [](void* self, const char* id, double* value) { return find(of(self).values_, id, value); };
      f.list.set_string = [](void* self, const char* id, const int16_t* text) -> v3_result {
        auto& kept = of(self).texts_[id];
        for (kept.clear(); *text != 0; ++text) kept.push_back(*text);
        return V3_OK;
      };
      f.list.get_string = [](void* self, const char* id, int16_t* text, uint32_t bytes) -> v3_result {
        std::vector<int16_t> kept;
        if (find(of(self).texts_, id, &kept) != V3_OK) return V3_INVALID_ARG;
        kept.push_back(0);
        std::memcpy(text, kept.data(), std::min<std::size_t>(bytes, kept.size() * sizeof(int16_t)));
        return V3_OK;
      };
      return f;
    }();
    return &all;
  }

  Functions* functions_ = functions();  // first: what `self` points at
  uint32_t references_ = 1;
  Attributes attributes_;
  std::string id_;
  std::map<std::string, int64_t> numbers_;
  std::map<std::string, double> values_;
  std::map<std::string, std::vector<int16_t>> texts_;
};

}  // namespace

Vst3Application::Vst3Application()
    : host_{host_functions(), this},
      handler_{handler_functions(), this},
      frame_{frame_functions(), this},
      loop_{loop_functions(), this} {}

void Vst3Application::tick() {
  const auto now = timers_;  // one may end another
  for (v3_timer_handler** timer : now) {
    if (std::find(timers_.begin(), timers_.end(), timer) != timers_.end()) v3_cpp_obj(timer)->on_timer(timer);
  }
}

Vst3Application::Host* Vst3Application::host_functions() {
  static Host all = [] {
    auto f = functions_of_kept_objects<Host>();
    f.query_interface = [](void* self, const v3_tuid iid, void** found) -> v3_result {
      *found = v3_tuid_match(iid, v3_host_application_iid) || v3_tuid_match(iid, v3_funknown_iid) ? self : nullptr;
      return *found != nullptr ? V3_OK : V3_NO_INTERFACE;
    };
    f.application.get_name = [](void*, v3_str_128 name) -> v3_result {
      *name = 0;
      return V3_OK;
    };
    f.application.create_instance = [](void*, v3_tuid class_id, v3_tuid, void** made) -> v3_result {
      if (!v3_tuid_match(class_id, v3_message_iid)) return V3_NO_INTERFACE;
      *made = (new Message)->object();
      return V3_OK;
    };
    return f;
  }();
  return &all;
}

Vst3Application::Handler* Vst3Application::handler_functions() {
  static Handler all = [] {
    auto f = functions_of_kept_objects<Handler>();
    f.handler.begin_edit = f.handler.end_edit = [](void* self, v3_param_id) -> v3_result {
      ++of(self).gestures_;
      return V3_OK;
    };
    f.handler.perform_edit = [](void*, v3_param_id, double) -> v3_result { return V3_OK; };
    f.handler.restart_component = [](void*, int32_t) -> v3_result { return V3_OK; };
    return f;
  }();
  return &all;
}

Vst3Application::Frame* Vst3Application::frame_functions() {
  static Frame all = [] {
    auto f = functions_of_kept_objects<Frame>();
    f.query_interface = [](void* self, const v3_tuid iid, void** found) -> v3_result {
      *found = v3_tuid_match(iid, v3_run_loop_iid) ? static_cast<void*>(&of(self).loop_) : nullptr;
      if (v3_tuid_match(iid, v3_plugin_frame_iid) || v3_tuid_match(iid, v3_funknown_iid)) *found = self;
      return *found != nullptr ? V3_OK : V3_NO_INTERFACE;
    };
    f.frame.resize_view = [](void*, v3_plugin_view** view, v3_view_rect* to) {
      return v3_cpp_obj(view)->on_size(view, to);
    };
    return f;
  }();
  return &all;
}

Vst3Application::Loop* Vst3Application::loop_functions() {
  static Loop all = [] {
    auto f = functions_of_kept_objects<Loop>();
    f.loop.register_event_handler = [](void*, v3_event_handler**, int) -> v3_result { return V3_OK; };
    f.loop.unregister_event_handler = [](void*, v3_event_handler**) -> v3_result { return V3_OK; };
    f.loop.register_timer = [](void* self, v3_timer_handler** timer, uint64_t) -> v3_result {
      of(self).timers_.push_back(timer);
      return V3_OK;
    };
    f.loop.unregister_timer = [](void* self, v3_timer_handler** timer) -> v3_result {
      return std::erase(of(self).timers_, timer) > 0 ? V3_OK : V3_INVALID_ARG;
    };
    return f;
  }();
  return &all;
}

}  // namespace diffverb::hosts
