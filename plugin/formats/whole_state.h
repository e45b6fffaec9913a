#pragma once

#include <algorithm>
#include <cstring>
#include <string>

namespace diffverb::plugin {

// DPF's CLAP and VST3 write the same state: texts that each end with a zero, after the last one 0xfe. Hosts' streams may take and
// give it in pieces, which DPF 1.6 gets wrong: it goes through memory as a whole, and is looked at before DPF believes it.

constexpr std::size_t kLargestState = 1 << 20;  // bytes; ours has about a thousand

/// Whether it is ours, and not cut.
inline bool is_state(const std::string& state) {
  return state.starts_with("__dpf_program__") && state.find('\xfe') != std::string::npos;
}

/// What is left of a state that is read from memory.
struct Rest {
  const char* at;
  std::size_t size;

  explicit Rest(const std::string& state) : at(state.data()), size(state.size()) {}
  /// Copies at most `most` bytes to `data`; returns how many.
  std::size_t take(void* data, std::size_t most) {
    const std::size_t now = std::min(most, size);
    std::memcpy(data, at, now);
    at += now;
    size -= now;
    return now;
  }
};

}  // namespace diffverb::plugin
