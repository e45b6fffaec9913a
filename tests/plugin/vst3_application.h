#pragma once

#include <vector>

#include "src/travesty/edit_controller.h"
#include "src/travesty/host.h"
#include "src/travesty/view.h"

namespace diffverb::hosts {

/// What a VST3 host offers its plug-in: messages between the plug-in's parts, a frame around the interface with a run loop's
/// timers, and somebody to tell of edits. Lives as long as the plug-in.
class Vst3Application {
 public:
  Vst3Application();
  Vst3Application(const Vst3Application&) = delete;
  Vst3Application& operator=(const Vst3Application&) = delete;

  v3_funknown** context() { return reinterpret_cast<v3_funknown**>(&host_); }
  v3_component_handler** handler() { return reinterpret_cast<v3_component_handler**>(&handler_); }
  v3_plugin_frame** frame() { return reinterpret_cast<v3_plugin_frame**>(&frame_); }
  /// Calls every timer once.
  void tick();
  std::size_t timers() const { return timers_.size(); }
  int gestures() const { return gestures_; }

 private:
  struct Host : v3_funknown {
    v3_host_application application;
  };
  struct Handler : v3_funknown {
    v3_component_handler handler;
  };
  struct Frame : v3_funknown {
    v3_plugin_frame frame;
  };
  struct Loop : v3_funknown {
    v3_run_loop loop;
  };
  /// What VST3 takes for an object, and whose it is.
  template <typename Functions>
  struct Object {
    Functions* functions;
    Vst3Application* of;
  };
  static Vst3Application& of(void* self) { return *static_cast<Object<v3_funknown>*>(self)->of; }
  static Host* host_functions();
  static Handler* handler_functions();
  static Frame* frame_functions();
  static Loop* loop_functions();

  Object<Host> host_;
  Object<Handler> handler_;
  Object<Frame> frame_;
  Object<Loop> loop_;
  std::vector<v3_timer_handler**> timers_;
  int gestures_ = 0;
};

}  // namespace diffverb::hosts
