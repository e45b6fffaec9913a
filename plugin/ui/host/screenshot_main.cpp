#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "plugin/reverb_plugin.h"
#include "plugin/ui/host/window_host.h"
#include "plugin/ui/host/x11_window.h"

namespace {

using namespace diffverb;

constexpr const char* kUsage = R"(The plug-in in a window of its own, and a picture of it.

diffverb-window [OPTION]... [PICTURE.ppm]      without a picture it stays open until it is closed

  --size WIDTHxHEIGHT     of the window, pixels
  --seconds S             that it runs before the picture is taken (2)
  --KEY VALUE             state or control by its id: --model room.safetensors --preset plate --decay 1.5
  --press KEY             a key by its X11 name, in this order: --press Tab --press Up
)";

struct Options {
  int width = 0, height = 0;
  double seconds = 2;
  std::string picture;
  std::vector<std::string> keys;
  std::vector<std::pair<std::string, std::string>> values;
};

bool read(int count, char** words, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (!word.starts_with("--")) {
      options.picture = word;
      continue;
    }
    if (++i >= count) return false;
    const std::string value = words[i];
    if (word == "--size") {
      if (std::sscanf(value.c_str(), "%dx%d", &options.width, &options.height) != 2) return false;
    } else if (word == "--seconds") {
      options.seconds = std::atof(value.c_str());
    } else if (word == "--press") {
      options.keys.push_back(value);
    } else {
      options.values.emplace_back(word.substr(2), value);
    }
  }
  return true;
}

bool set(ui::WindowHost& host, const std::string& id, const std::string& value) {
  for (int i = 0; i < static_cast<int>(plugin::StateKey::kCount); ++i) {
    const char* key = plugin::state_id(static_cast<plugin::StateKey>(i));
    if (id != key) continue;
    host.set_state(key, value);
    return true;
  }
  const auto control = runtime::find_control(id);
  if (control) host.set_parameter(static_cast<uint32_t>(*control), std::strtof(value.c_str(), nullptr));
  return control.has_value();
}

int fail(const std::string& reason) {
  std::fprintf(stderr, "diffverb-window: %s\n", reason.c_str());
  return 1;
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!read(count, words, options)) return std::fputs(kUsage, stderr), 2;
  if (!ui::X11Window::has_display())
    return fail("no X display: DISPLAY is not set, or nothing answers there (try xvfb-run)");
  ui::WindowHost host;
  for (const auto& [id, value] : options.values)
    if (!set(host, id, value)) return fail("--" + id + ": expected a state or a control");
  host.show();
  ui::X11Window window(host.window());
  if (options.width > 0) window.resize(options.width, options.height);
  if (options.picture.empty()) {
    while (host.run(1)) continue;
    return 0;
  }
  host.run(options.seconds);
  for (const std::string& key : options.keys) {
    if (!window.press(key)) return fail("--press " + key + ": expected the name of a key, as in X11/keysymdef.h");
    host.run(0.1);
  }
  return window.pixels().write(options.picture) ? 0 : fail(options.picture + ": cannot be written");
}
