#pragma once

#include <stdexcept>
#include <string>

#include "tests/plugin/hosted_plugin.h"

namespace diffverb::hosts {

/// A state as DPF's CLAP and VST3 save it, with another text under `key` and without the parameters, which would be set back.
inline std::string with_text(std::string state, const std::string& key, const std::string& value) {
  const std::string name = std::string(1, '\0') + key + std::string(1, '\0');
  const std::size_t begin = state.find(name) + name.size();
  state.replace(begin, state.find('\0', begin) - begin, value);
  const std::string first = std::string("__dpf_parameters_begin__") + '\0';
  const std::size_t parameters = state.find(first) + first.size();
  state.erase(parameters, state.find("__dpf_parameters_end__") - parameters);
  return state;
}

/// A plug-in whose format saves through streams: save() and restore() take small pieces.
class StreamedPlugin : public HostedPlugin {
 public:
  std::string save() override { return save_in_parts(7); }
  bool restore(const std::string& state) override { return restore_in_parts(state, 5); }
  void set_text(const std::string& key, const std::string& value) override {
    if (!restore(with_text(save(), key, value))) throw std::runtime_error("the plug-in refused its own state");
  }
};

}  // namespace diffverb::hosts
