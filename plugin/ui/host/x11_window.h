#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct _XDisplay;

namespace diffverb::ui {

/// A picture, 3 bytes for each pixel, row by row.
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;

  int colours() const;  ///< how many different ones, at most 4096
  /// Binary PPM. Returns false where the file cannot be written.
  bool write(const std::string& path) const;
};

/// A window, over a connection of its own: what is seen in it, and keys and mouse sent to it.
class X11Window {
 public:
  /// Another program's, or of another part of this one.
  explicit X11Window(std::uintptr_t window);
  /// One of its own, which a plug-in's interface may go into.
  X11Window(int width, int height);
  ~X11Window();
  X11Window(const X11Window&) = delete;
  X11Window& operator=(const X11Window&) = delete;

  static bool has_display();
  std::uintptr_t window() const { return window_; }
  std::vector<std::uintptr_t> children() const;
  Pixels pixels() const;
  void resize(int width, int height);  ///< and into the screen's corner: what is outside of it has no pixels
  /// A key by its X11 name: "Tab", "Up", "Return", "5"; with shift as "shift+Tab".
  bool press(const std::string& key) const;
  void button(int x, int y, bool down);
  void move(int x, int y, bool held);

 private:
  _XDisplay* display_;
  std::uintptr_t window_;
  bool is_own_ = false;
};

}  // namespace diffverb::ui
