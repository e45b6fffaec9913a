#include "plugin/ui/reverb_ui.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugin/ascii_path.h"
#include "plugin/factory_presets.h"
#include "plugin/ui/view/value_text.h"

namespace diffverb::ui {
namespace {

using plugin::Output;
using plugin::StateKey;

constexpr auto kLookEvery = std::chrono::milliseconds(100), kMeterEvery = std::chrono::milliseconds(30);
constexpr double kFirstSeconds = 2, kShortest = 0.5, kLongest = 12;  // of responses that are asked for

std::optional<Key> key_of(uint key) {
  using namespace DGL_NAMESPACE;
  switch (key) {
    case '\t':
      return Key::kTab;
    case '\r':
    case '\n':
      return Key::kEnter;
    case ' ':
      return Key::kSpace;
    case kKeyEscape:
      return Key::kEscape;
    case kKeyBackspace:
      return Key::kBackspace;
    case kKeyDelete:
      return Key::kDelete;
    case kKeyUp:
      return Key::kUp;
    case kKeyDown:
      return Key::kDown;
    case kKeyLeft:
      return Key::kLeft;
    case kKeyRight:
      return Key::kRight;
    case kKeyPageUp:
      return Key::kPageUp;
    case kKeyPageDown:
      return Key::kPageDown;
    case kKeyHome:
      return Key::kHome;
    case kKeyEnd:
      return Key::kEnd;
    default:
      return std::nullopt;
  }
}

Spot spot_of(const DGL_NAMESPACE::Point<double>& at) {
  return {static_cast<float>(at.getX()), static_cast<float>(at.getY())};
}
bool is_fine(uint modifiers) { return modifiers & DGL_NAMESPACE::kModifierShift; }
bool is_deep(uint modifiers) { return modifiers & (DGL_NAMESPACE::kModifierControl | DGL_NAMESPACE::kModifierAlt); }

// How long a response has to be for its curves to reach the bottom of the plot.
double wanted_seconds(const ResponsePicture& picture) {
  double longest = picture.all.t60_s.value_or(0);
  for (const BandDecay& band : picture.bands) longest = std::max(longest, band.t60_s.value_or(0));
  return std::clamp(1.15 * longest + 0.2, kShortest, kLongest);
}

std::string subtitle_of(const runtime::Playing& playing) {
  std::string text = playing.kind;
  if (playing.rate_hz > 0) text += "  ·  " + hertz_text(playing.rate_hz);
  if (playing.inputs > 0)
    text += "  ·  " + std::string(playing.inputs == 1 ? "mono" : "stereo") + " to " +
            (playing.outputs == 1 ? "mono" : "stereo");
  return playing.path.empty() ? text : text + "  ·  " + playing.path;
}

}  // namespace

ReverbUI::ReverbUI()
    : UI(static_cast<uint>(Layout::kWidth), static_cast<uint>(Layout::kHeight)),
      plugin_(static_cast<plugin::ReverbPlugin*>(getPluginInstancePointer())),
      editor_(*this),
      scene_{editor_, nullptr, "diffverb", {}, {}, {}, 0},
      metered_at_(Clock::now()),
      looked_at_(metered_at_ - kLookEvery),
      picture_seconds_(kFirstSeconds) {
  loadSharedResources();
  const double scale = getScaleFactor();
  const auto pixels = [&](float size) { return static_cast<uint>(std::lround(size * scale)); };
  setGeometryConstraints(pixels(Layout::kLeastWidth), pixels(Layout::kLeastHeight));
  if (scale != 1) setSize(pixels(Layout::kWidth), pixels(Layout::kHeight));
  editor_.resize(static_cast<float>(getWidth()), static_cast<float>(getHeight()));
  peaks_db_.fill(Meter::kLowestDb);
  std::vector<std::string> names;
  for (const plugin::FactoryPreset& preset : plugin::factory_presets()) names.push_back(preset.preset.name);
  editor_.show_presets(std::move(names), -1);
  if (plugin_) matches_ = plugin_->matches();
  if (!plugin_) scene_.plot_note = "No curves: this host keeps the interface apart from the plug-in";
  for (int i = 0; plugin_ && i < kControls; ++i)
    editor_.show_value(static_cast<Control>(i), plugin_->reverb().get(static_cast<Control>(i)));
}

void ReverbUI::parameterChanged(uint32_t index, float value) {
  if (index < static_cast<uint32_t>(kControls)) {
    editor_.show_value(static_cast<Control>(index), static_cast<double>(value));
    repaint();
    return;
  }
  const auto output = static_cast<Output>(index - static_cast<uint32_t>(kControls));
  if (output <= Output::kOutPeakRight) peaks_db_[static_cast<std::size_t>(output)] = value;
  if (output == Output::kCleared && scene_.cleared != static_cast<long long>(value)) {
    scene_.cleared = static_cast<long long>(value);
    repaint();
  }
}

void ReverbUI::programLoaded(uint32_t index) {
  if (index >= plugin::factory_presets().size()) return;
  const auto& values = plugin::factory_presets()[index].preset.values;
  for (int i = 0; i < kControls; ++i) editor_.show_value(static_cast<Control>(i), values[static_cast<std::size_t>(i)]);
  looked_at_ -= kLookEvery;
  repaint();
}

// What is shown of the files comes from the engine, which has them first.
void ReverbUI::stateChanged(const char*, const char*) { looked_at_ -= kLookEvery; }

bool ReverbUI::shown(bool changed) {
  if (changed) repaint();
  return changed;
}

// A measured response has moved x, y and z in the engine; hosts take a move from the interface.
void ReverbUI::follow_matches() {
  const unsigned matches = plugin_->matches();
  if (matches == matches_) return;
  matches_ = matches;
  for (const Control control : {Control::kX, Control::kY, Control::kZ}) move(control, plugin_->reverb().get(control));
  repaint();
}

void ReverbUI::look_at_engine() {
  if (!plugin_) return;
  follow_matches();
  playing_ = plugin_->reverb().playing();
  const std::string subtitle = subtitle_of(playing_), message = plugin_->message();
  const std::string preset = plugin_->state(StateKey::kModel).empty() ? plugin_->state(StateKey::kPreset) : "-";
  const auto& presets = plugin::factory_presets();
  const auto found = std::find_if(presets.begin(), presets.end(),
                                  [&](const auto& one) { return one.id == (preset.empty() ? "built-in" : preset); });
  const int present = found == presets.end() ? -1 : static_cast<int>(found - presets.begin());
  const bool same = scene_.title == playing_.title && scene_.subtitle == subtitle && scene_.message == message &&
                    editor_.preset() == present && editor_.is_enabled(kCubeItem) == playing_.has_point &&
                    editor_.is_enabled(item_of(Control::kModulation)) == playing_.moves;
  if (same) return;
  scene_.title = playing_.title;
  scene_.subtitle = subtitle;
  scene_.message = message;
  editor_.show_presets(editor_.presets(), present);
  editor_.show_abilities(playing_.has_point, playing_.moves);
  repaint();
}

void ReverbUI::ask_for_picture() {
  if (!plugin_) return;
  if (const auto picture = worker_.take()) {
    scene_.picture = picture;
    const double wanted = wanted_seconds(*picture);
    if (wanted > picture_seconds_ * 1.05 || wanted < picture_seconds_ / 2) picture_seconds_ = wanted;
    repaint();
  }
  if (!worker_.is_idle()) return;
  Shape shape{{}, playing_.path, playing_.title, playing_.rate_hz, picture_seconds_};
  for (int i = 0; i < kControls; ++i) {
    const auto control = static_cast<Control>(i);
    const bool is_heard = control != Control::kMix && control != Control::kInputGain && control != Control::kFreeze;
    shape.values[static_cast<std::size_t>(i)] = is_heard ? plugin_->reverb().get(control) : 0;
  }
  if (shape == asked_) return;
  asked_ = shape;
  worker_.ask([plugin = plugin_, seconds = shape.seconds] {
    const auto response = plugin->reverb().response(seconds);
    const double rate_hz = response.empty() ? 0 : static_cast<double>(response[0].size()) / seconds;
    return picture_of(response, rate_hz);
  });
}

void ReverbUI::feed_meters(float seconds) {
  bool changed = false;
  for (std::size_t i = 0; i < peaks_db_.size(); ++i) {
    Meter& meter = editor_.meters[i];
    const float level = meter.level_db(), peak = meter.peak_db();
    const bool over = meter.over();
    meter.feed(peaks_db_[i], seconds);
    changed = changed || level != meter.level_db() || peak != meter.peak_db() || over != meter.over();
  }
  shown(changed);
}

void ReverbUI::uiIdle() {
  const auto now = Clock::now();
  if (now - metered_at_ >= kMeterEvery) {
    feed_meters(std::chrono::duration<float>(now - metered_at_).count());
    metered_at_ = now;
  }
  if (now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  look_at_engine();
  ask_for_picture();
}

void ReverbUI::onNanoDisplay() {
  Brush brush(*this, editor_.layout().scale);
  paint(brush, scene_);
}

void ReverbUI::onResize(const ResizeEvent& event) {
  UI::onResize(event);
  editor_.resize(static_cast<float>(event.size.getWidth()), static_cast<float>(event.size.getHeight()));
}

bool ReverbUI::onMouse(const MouseEvent& event) {
  const Spot spot = spot_of(event.pos);
  if (!event.press) return shown(editor_.mouse_up(spot));
  if (event.button != DGL_NAMESPACE::kMouseButtonLeft && event.button != DGL_NAMESPACE::kMouseButtonRight) return false;
  const bool right = event.button == DGL_NAMESPACE::kMouseButtonRight;
  return shown(editor_.mouse_down(spot, right, is_fine(event.mod), is_deep(event.mod), event.time));
}

bool ReverbUI::onMotion(const MotionEvent& event) {
  return shown(editor_.mouse_move(spot_of(event.pos), is_fine(event.mod), is_deep(event.mod)));
}

bool ReverbUI::onScroll(const ScrollEvent& event) {
  return shown(editor_.wheel(spot_of(event.pos), static_cast<float>(event.delta.getY()), is_fine(event.mod)));
}

bool ReverbUI::onKeyboard(const KeyboardEvent& event) {
  const auto key = key_of(event.key);
  return event.press && key && shown(editor_.key(*key, is_fine(event.mod)));
}

bool ReverbUI::onCharacterInput(const CharacterInputEvent& event) {
  return event.character < 128 && shown(editor_.type(static_cast<char>(event.character)));
}

void ReverbUI::begin_edit(Control control) { editParameter(static_cast<uint32_t>(control), true); }
void ReverbUI::end_edit(Control control) { editParameter(static_cast<uint32_t>(control), false); }
void ReverbUI::set_value(Control control, double value) {
  setParameterValue(static_cast<uint32_t>(control), static_cast<float>(value));
}

void ReverbUI::move(Control control, double value) {
  begin_edit(control);
  set_value(control, value);
  end_edit(control);
  editor_.show_value(control, value);
}

// Through the host, as any other change, so that sessions and automation hold it.
void ReverbUI::choose_preset(int index) {
  const auto& presets = plugin::factory_presets();
  if (index < 0 || index >= static_cast<int>(presets.size())) return;
  const plugin::FactoryPreset& chosen = presets[static_cast<std::size_t>(index)];
  for (int i = 0; i < kControls; ++i) {
    const auto control = static_cast<Control>(i);
    move(control, chosen.preset.values[static_cast<std::size_t>(i)]);
  }
  setState(plugin::state_id(StateKey::kModel), "");
  setState(plugin::state_id(StateKey::kPreset), chosen.id.c_str());
}

void ReverbUI::choose_model() { choose(StateKey::kModel); }
void ReverbUI::choose_response() { choose(StateKey::kResponse); }

// In a VST3 the path goes another way: ascii_path.h.
void ReverbUI::choose(StateKey key) {
  const char* bundle = getBundlePath();
  if (bundle == nullptr || !std::string_view(bundle).ends_with(".vst3")) {
    requestStateFile(plugin::state_id(key));
    return;
  }
  chosen_for_ = key;
  DISTRHO::FileBrowserOptions options;
  options.title = key == StateKey::kModel ? "diffverb: model" : "diffverb: measured response";
  openFileBrowser(options);
}

void ReverbUI::uiFileBrowserSelected(const char* path) {
  if (path == nullptr) return;
  setState(plugin::state_id(chosen_for_), plugin::ascii_path(path).c_str());
  stateChanged(nullptr, nullptr);
}

}  // namespace diffverb::ui

START_NAMESPACE_DISTRHO
UI* createUI() { return new diffverb::ui::ReverbUI; }
END_NAMESPACE_DISTRHO
