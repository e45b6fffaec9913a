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

/// Another program's window, over a connection of its own: what is seen in it, and keys and mouse sent to it.
class X11Window {
 public:
  explicit X11Window(std::uintptr_t window);
  ~X11Window();
  X11Window(const X11Window&) = delete;
  X11Window& operator=(const X11Window&) = delete;

  static bool has_display();
  Pixels pixels() const;
  void resize(int width, int height);  ///< and into the screen's corner: what is outside of it has no pixels
  /// A key by its X11 name: "Tab", "Up", "Return", "5"; with shift as "shift+Tab".
  bool press(const std::string& key);
  void button(int x, int y, bool down);
  void move(int x, int y, bool held);

 private:
  _XDisplay* display_;
  std::uintptr_t window_;
};

}  // namespace diffverb::ui
