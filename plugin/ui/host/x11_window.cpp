#include "plugin/ui/host/x11_window.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/keysym.h>

#include <fstream>
#include <set>

namespace diffverb::ui {
namespace {

template <typename Event>
void fill(Event& event, Display* display, Window window, int type) {
  event.type = type;
  event.display = display;
  event.window = window;
  event.root = DefaultRootWindow(display);
  event.time = CurrentTime;
  event.same_screen = True;
}

void send(Display* display, Window window, XEvent& event) {
  XSendEvent(display, window, True, NoEventMask, &event);
  XFlush(display);
}

}  // namespace

int Pixels::colours() const {
  std::set<std::uint32_t> seen;
  for (std::size_t i = 0; i + 2 < rgb.size() && seen.size() < 4096; i += 3)
    seen.insert(static_cast<std::uint32_t>(rgb[i] << 16 | rgb[i + 1] << 8 | rgb[i + 2]));
  return static_cast<int>(seen.size());
}

bool Pixels::write(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  file << "P6\n" << width << ' ' << height << "\n255\n";
  file.write(reinterpret_cast<const char*>(rgb.data()), static_cast<std::streamsize>(rgb.size()));
  return static_cast<bool>(file);
}

X11Window::X11Window(std::uintptr_t window) : display_(XOpenDisplay(nullptr)), window_(window) {}

X11Window::X11Window(int width, int height) : X11Window(0) {
  if (!display_) return;
  window_ = XCreateSimpleWindow(display_, DefaultRootWindow(display_), 0, 0, static_cast<unsigned>(width),
                                static_cast<unsigned>(height), 0, 0, 0);
  is_own_ = true;
  XMapWindow(display_, window_);
  XSync(display_, False);
}

X11Window::~X11Window() {
  if (is_own_) XDestroyWindow(display_, window_);
  if (display_) XCloseDisplay(display_);
}

std::vector<std::uintptr_t> X11Window::children() const {
  Window root = 0, parent = 0, *found = nullptr;
  unsigned count = 0;
  if (!display_ || !XQueryTree(display_, window_, &root, &parent, &found, &count)) return {};
  const std::vector<std::uintptr_t> all(found, found + count);
  if (found) XFree(found);
  return all;
}

// Stays open: a server without clients starts again, and refuses whoever comes in that moment.
bool X11Window::has_display() {
  static Display* const display = XOpenDisplay(nullptr);
  return display != nullptr;
}

Pixels X11Window::pixels() const {
  XWindowAttributes shape{};
  if (!display_ || !XGetWindowAttributes(display_, window_, &shape)) return {};
  XImage* const image = XGetImage(display_, window_, 0, 0, static_cast<unsigned>(shape.width),
                                  static_cast<unsigned>(shape.height), AllPlanes, ZPixmap);
  if (!image) return {};
  Pixels out{shape.width, shape.height, {}};
  for (int y = 0; y < shape.height; ++y)
    for (int x = 0; x < shape.width; ++x) {
      const unsigned long pixel = XGetPixel(image, x, y);
      for (const int shift : {16, 8, 0}) out.rgb.push_back(static_cast<std::uint8_t>(pixel >> shift));
    }
  XDestroyImage(image);
  return out;
}

void X11Window::resize(int width, int height) {
  XMoveResizeWindow(display_, window_, 0, 0, static_cast<unsigned>(width), static_cast<unsigned>(height));
  XFlush(display_);
}

bool X11Window::press(const std::string& key) const {
  const bool shift = key.starts_with("shift+");
  const KeySym symbol = XStringToKeysym(key.c_str() + (shift ? 6 : 0));
  const KeyCode code = XKeysymToKeycode(display_, symbol);
  if (symbol == NoSymbol || code == 0) return false;
  for (const int type : {KeyPress, KeyRelease}) {
    XEvent event{};
    fill(event.xkey, display_, window_, type);
    event.xkey.keycode = code;
    event.xkey.state = shift ? ShiftMask : 0;
    send(display_, window_, event);
  }
  return true;
}

void X11Window::button(int x, int y, bool down) {
  XEvent event{};
  fill(event.xbutton, display_, window_, down ? ButtonPress : ButtonRelease);
  event.xbutton.x = x;
  event.xbutton.y = y;
  event.xbutton.button = Button1;
  event.xbutton.state = down ? 0 : Button1Mask;
  send(display_, window_, event);
}

void X11Window::move(int x, int y, bool held) {
  XEvent event{};
  fill(event.xmotion, display_, window_, MotionNotify);
  event.xmotion.x = x;
  event.xmotion.y = y;
  event.xmotion.state = held ? Button1Mask : 0;
  send(display_, window_, event);
}

}  // namespace diffverb::ui
