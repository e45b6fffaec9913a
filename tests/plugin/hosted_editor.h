#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace diffverb::hosts {

class ClapHost;
class Vst3Host;

/// The interface of a plug-in, within a window of its host (X11). Ends before the plug-in.
class HostedEditor {
 public:
  virtual ~HostedEditor() = default;
  virtual std::pair<int, int> size() const = 0;
  /// As the host does when its own window got another size.
  virtual void resize(int width, int height) = 0;
  /// What the plug-in has asked to be called for again and again.
  virtual void idle() = 0;
  /// How often the interface has begun or ended to edit a parameter.
  virtual int gestures() const = 0;
};

std::unique_ptr<HostedEditor> open_editor(ClapHost& host, std::uintptr_t parent);
std::unique_ptr<HostedEditor> open_editor(Vst3Host& host, std::uintptr_t parent);

}  // namespace diffverb::hosts
