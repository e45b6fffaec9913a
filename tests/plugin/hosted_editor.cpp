#include "tests/plugin/hosted_editor.h"

#include <stdexcept>

#include "src/clap/ext/gui.h"
#include "tests/plugin/clap_host.h"
#include "tests/plugin/vst3_host.h"

namespace diffverb::hosts {
namespace {

void must(bool is_so, const char* what) {
  if (!is_so) throw std::runtime_error(what);
}

class ClapEditor final : public HostedEditor {
 public:
  ClapEditor(ClapHost& host, std::uintptr_t parent)
      : host_(host),
        plugin_(host.plugin()),
        gui_(static_cast<const clap_plugin_gui_t*>(plugin_.get_extension(&plugin_, CLAP_EXT_GUI))) {
    must(gui_ != nullptr && gui_->is_api_supported(&plugin_, CLAP_WINDOW_API_X11, false), "CLAP: no interface for X11");
    must(gui_->create(&plugin_, CLAP_WINDOW_API_X11, false), "CLAP: the interface was not made");
    clap_window_t window{CLAP_WINDOW_API_X11, {}};
    window.x11 = parent;
    must(gui_->set_parent(&plugin_, &window), "CLAP: the interface does not go into a window");
    must(gui_->show(&plugin_), "CLAP: the interface does not show");
  }
  ~ClapEditor() override {
    gui_->hide(&plugin_);
    gui_->destroy(&plugin_);
  }

  std::pair<int, int> size() const override {
    uint32_t width = 0, height = 0;
    must(gui_->get_size(&plugin_, &width, &height), "CLAP: the interface has no size");
    return {static_cast<int>(width), static_cast<int>(height)};
  }
  void resize(int width, int height) override {
    auto wide = static_cast<uint32_t>(width), high = static_cast<uint32_t>(height);
    must(gui_->can_resize(&plugin_) && gui_->adjust_size(&plugin_, &wide, &high), "CLAP: no size may be chosen");
    must(gui_->set_size(&plugin_, wide, high), "CLAP: the size is not taken");
  }
  void idle() override { host_.tick(); }
  int gestures() const override { return host_.gestures(); }

 private:
  ClapHost& host_;
  const clap_plugin_t& plugin_;
  const clap_plugin_gui_t* gui_;
};

class Vst3Editor final : public HostedEditor {
 public:
  Vst3Editor(Vst3Host& host, std::uintptr_t parent)
      : host_(host), view_(v3_cpp_obj(host.controller())->create_view(host.controller(), "editor")) {
    must(view_ != nullptr, "VST3: the interface was not made");
    v3_plugin_view& view = *v3_cpp_obj(view_);
    must(view.is_platform_type_supported(view_, V3_VIEW_PLATFORM_TYPE_X11) == V3_OK, "VST3: no interface for X11");
    must(view.set_frame(view_, host_.application().frame()) == V3_OK, "VST3: no frame is taken");
    must(view.attached(view_, reinterpret_cast<void*>(parent), V3_VIEW_PLATFORM_TYPE_X11) == V3_OK,
         "VST3: the interface does not go into a window");
  }
  ~Vst3Editor() override {
    v3_cpp_obj(view_)->removed(view_);
    v3_cpp_obj(view_)->set_frame(view_, nullptr);
    v3_cpp_obj_unref(view_);
  }

  std::pair<int, int> size() const override {
    v3_view_rect now{};
    must(v3_cpp_obj(view_)->get_size(view_, &now) == V3_OK, "VST3: the interface has no size");
    return {now.right - now.left, now.bottom - now.top};
  }
  void resize(int width, int height) override {
    v3_view_rect wanted{0, 0, width, height};
    must(v3_cpp_obj(view_)->can_resize(view_) == V3_TRUE, "VST3: no size may be chosen");
    must(v3_cpp_obj(view_)->check_size_constraint(view_, &wanted) == V3_OK, "VST3: no size is good");
    must(v3_cpp_obj(view_)->on_size(view_, &wanted) == V3_OK, "VST3: the size is not taken");
  }
  void idle() override { host_.application().tick(); }
  int gestures() const override { return host_.application().gestures(); }

 private:
  Vst3Host& host_;
  v3_plugin_view** view_;
};

}  // namespace

std::unique_ptr<HostedEditor> open_editor(ClapHost& host, std::uintptr_t parent) {
  return std::make_unique<ClapEditor>(host, parent);
}
std::unique_ptr<HostedEditor> open_editor(Vst3Host& host, std::uintptr_t parent) {
  return std::make_unique<Vst3Editor>(host, parent);
}

}  // namespace diffverb::hosts
