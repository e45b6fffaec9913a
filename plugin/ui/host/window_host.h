#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace diffverb::ui {

/// The plug-in and its interface in a window of its own, without a DAW: what takes screenshots, and what tests press keys
/// in. Plays noise bursts, so that the meters move.
class WindowHost {
 public:
  WindowHost();
  ~WindowHost();

  void set_parameter(uint32_t index, float value);  ///< as a host's automation does
  void set_state(const char* key, const std::string& value);
  float parameter(uint32_t index) const;
  void show();
  /// Runs window and sound for a while; false once the window was closed.
  bool run(double seconds);
  std::uintptr_t window() const;  ///< of the system

  /// Which parameters the interface has begun and ended to edit; equally often when all is well.
  int gestures_begun() const;
  int gestures_ended() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace diffverb::ui
