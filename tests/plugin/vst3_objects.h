#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "src/travesty/audio_processor.h"
#include "src/travesty/bstream.h"

namespace diffverb::hosts {

/// What VST3 takes for an object begins with a pointer to its functions, which get the object itself as `self`. These live
/// longer than whoever is handed them: they are not counted.
template <typename Functions>
Functions functions_of_kept_objects() {
  Functions functions{};
  functions.query_interface = [](void*, const v3_tuid, void** found) -> v3_result {
    *found = nullptr;
    return V3_NO_INTERFACE;
  };
  functions.ref = functions.unref = [](void*) { return 1U; };
  return functions;
}

/// A stream in memory that takes and gives at most `part` bytes a call, as some hosts' do.
class MemoryStream {
 public:
  explicit MemoryStream(std::size_t part, std::string_view given = {}) : part_(part), given_(given) {}
  v3_bstream** object() { return reinterpret_cast<v3_bstream**>(&functions_); }
  const std::string& taken() const { return taken_; }

 private:
  struct Functions : v3_funknown {
    v3_bstream stream;
  };
  static Functions* functions() {
    static Functions all = [] {
      auto f = functions_of_kept_objects<Functions>();
      f.stream.read = [](void* self, void* data, int32_t size, int32_t* read) -> v3_result {
        auto& from = *static_cast<MemoryStream*>(self);
        const std::size_t now = std::min({static_cast<std::size_t>(size), from.part_, from.given_.size()});
        std::memcpy(data, from.given_.data(), now);
        from.given_.remove_prefix(now);
        *read = static_cast<int32_t>(now);
        return V3_OK;
      };
      f.stream.write = [](void* self, void* data, int32_t size, int32_t* written) -> v3_result {
        auto& to = *static_cast<MemoryStream*>(self);
        const std::size_t now = std::min(static_cast<std::size_t>(size), to.part_);
        to.taken_.append(static_cast<const char*>(data), now);
        *written = static_cast<int32_t>(now);
        return V3_OK;
      };
      return f;
    }();
    return &all;
  }

  Functions* functions_ = functions();  // first: what `self` points at
  std::size_t part_;
  std::string_view given_;
  std::string taken_;
};

/// Values of parameters in one block, one point each: those that a host sends, or those that the plug-in tells. Without an
/// allocation.
class ParameterChanges {
 public:
  ParameterChanges() { queues_.reserve(256); }
  v3_param_changes** object() { return reinterpret_cast<v3_param_changes**>(&functions_); }

  /// Beyond 256 they are lost; null then.
  v3_param_value_queue** add(v3_param_id id, double value) {
    if (queues_.size() == queues_.capacity()) return nullptr;
    queues_.push_back({queue_functions(), id, value});
    return reinterpret_cast<v3_param_value_queue**>(&queues_.back());
  }
  template <typename Use>
  void each(const Use& use) const {
    for (const Queue& queue : queues_) use(queue.id, queue.value);
  }
  void clear() { queues_.clear(); }

 private:
  struct Functions : v3_funknown {
    v3_param_changes changes;
  };
  struct QueueFunctions : v3_funknown {
    v3_param_value_queue queue;
  };
  struct Queue {
    QueueFunctions* functions;
    v3_param_id id;
    double value;
  };
  static Functions* functions() {
    static Functions all = [] {
      auto f = functions_of_kept_objects<Functions>();
      f.changes.get_param_count = [](void* self) {
        return static_cast<int32_t>(static_cast<ParameterChanges*>(self)->queues_.size());
      };
      f.changes.get_param_data = [](void* self, int32_t i) {
        return reinterpret_cast<v3_param_value_queue**>(
            &static_cast<ParameterChanges*>(self)->queues_[static_cast<std::size_t>(i)]);
      };
      f.changes.add_param_data = [](void* self, v3_param_id* id, int32_t* index) {
        *index = static_cast<int32_t>(static_cast<ParameterChanges*>(self)->queues_.size());
        return static_cast<ParameterChanges*>(self)->add(*id, 0);
      };
      return f;
    }();
    return &all;
  }
  static QueueFunctions* queue_functions() {
    static QueueFunctions all = [] {
      auto f = functions_of_kept_objects<QueueFunctions>();
      f.queue.get_param_id = [](void* self) { return static_cast<Queue*>(self)->id; };
      f.queue.get_point_count = [](void*) { return 1; };
      f.queue.get_point = [](void* self, int32_t, int32_t* offset, double* value) -> v3_result {
        *offset = 0;
        *value = static_cast<Queue*>(self)->value;
        return V3_OK;
      };
      f.queue.add_point = [](void* self, int32_t, double value, int32_t*) -> v3_result {
        static_cast<Queue*>(self)->value = value;
        return V3_OK;
      };
      return f;
    }();
    return &all;
  }

  Functions* functions_ = functions();  // first: what `self` points at
  std::vector<Queue> queues_;
};

}  // namespace diffverb::hosts
