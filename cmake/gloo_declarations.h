// What c10d/ProcessGroupGloo.hpp needs of Gloo's headers, which LibTorch does not ship: declarations alone. CMake puts
// copies of this file where that header looks (train/CMakeLists.txt). Of LibTorch 2.11.0.
#ifndef DIFFVERB_GLOO_DECLARATIONS_H  // not #pragma once: the copies are different files
#define DIFFVERB_GLOO_DECLARATIONS_H

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);  // never called by us
};

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

namespace rendezvous {
class Store {
 public:
  virtual ~Store() = default;
  virtual void set(const std::string& key, const std::vector<char>& data) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) = 0;
};
}  // namespace rendezvous

}  // namespace gloo

#endif
