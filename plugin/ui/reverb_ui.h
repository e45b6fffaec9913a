#pragma once

#include <DistrhoUI.hpp>
#include <chrono>
#include <optional>

#include "plugin/reverb_plugin.h"
#include "plugin/ui/scene.h"
#include "plugin/ui/view/picture_worker.h"

namespace diffverb::ui {

/// The window: passes events to the Editor, its wishes to the host, and what the engine says to the picture. Without a
/// pointer to the plug-in (a host that runs the two in different processes) the controls and meters work, and the curves
/// are left out.
class ReverbUI final : public DISTRHO::UI, private EditorHost {
 public:
  ReverbUI();

 protected:
  // From the host.
  void parameterChanged(uint32_t index, float value) override;
  void programLoaded(uint32_t index) override;
  void stateChanged(const char* key, const char* value) override;
  void uiIdle() override;
  void uiFileBrowserSelected(const char* path) override;

  // From the window.
  void onNanoDisplay() override;
  void onResize(const ResizeEvent& event) override;
  bool onMouse(const MouseEvent& event) override;
  bool onMotion(const MotionEvent& event) override;
  bool onScroll(const ScrollEvent& event) override;
  bool onKeyboard(const KeyboardEvent& event) override;
  bool onCharacterInput(const CharacterInputEvent& event) override;

 private:
  using Clock = std::chrono::steady_clock;

  // From the editor.
  void begin_edit(Control control) override;
  void set_value(Control control, double value) override;
  void end_edit(Control control) override;
  void choose_preset(int index) override;
  void choose_model() override;
  void choose_response() override;

  void choose(plugin::StateKey key);         ///< a file, by a dialog
  bool shown(bool changed);                  ///< repaints where something changed
  void move(Control control, double value);  ///< through the host, as if by hand
  void follow_matches();                     ///< x, y, z that a measured response has moved
  void look_at_engine();                     ///< what plays, what went wrong, which preset
  void ask_for_picture();                    ///< when what it shows has changed
  void feed_meters(float seconds);

  plugin::ReverbPlugin* const plugin_;  // null: see above
  Editor editor_;
  Scene scene_;
  std::array<float, 3> peaks_db_{};  // what the host said last
  Clock::time_point metered_at_, looked_at_;
  unsigned matches_ = 0;  // that have been passed on
  plugin::StateKey chosen_for_ = plugin::StateKey::kModel;

  /// What a picture is made for.
  struct Shape {
    std::array<double, kControls> values{};
    std::string path, title;
    double rate_hz = 0, seconds = 0;
    bool operator==(const Shape&) const = default;
  };
  Shape asked_;
  double picture_seconds_;
  runtime::Playing playing_;
  PictureWorker worker_;  // last: what it makes refers to the plug-in
};

}  // namespace diffverb::ui
