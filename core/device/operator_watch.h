#pragma once

#include <memory>
#include <string>
#include <vector>

namespace diffverb {

/// Looks at LibTorch's operators while it lives: those of this thread and of the backward passes that it starts.
class OperatorWatch {
 public:
  OperatorWatch();
  ~OperatorWatch();
  OperatorWatch(const OperatorWatch&) = delete;
  OperatorWatch& operator=(const OperatorWatch&) = delete;

  /// The innermost operator that threw first; empty where none did.
  std::string failed() const;
  /// Those that would wait for a GPU: they ask the device for a number, or for how many there are of something, or copy
  /// between devices. In order, each as often as it ran.
  std::vector<std::string> waiting() const;
  std::size_t count() const;  // of all operators

 private:
  struct Seen;
  struct Hold;
  std::unique_ptr<Hold> hold_;
};

}  // namespace diffverb
