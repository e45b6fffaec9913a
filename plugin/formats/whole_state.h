#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace diffverb::plugin {

// DPF's CLAP and VST3 write the same state: texts that each end with a zero, after the last one 0xfe. Hosts' streams may take and
// give it in pieces, which DPF 1.6 gets wrong: it goes through memory as a whole, and is looked at before DPF believes it.

constexpr std::size_t kLargestState = 1 << 20;  // bytes; ours has about a thousand

/// Whether it is ours, and not cut.
inline bool is_state(const std::string& state) {
  return state.starts_with("__dpf_program__") && state.find('\xfe') != std::string::npos;
}

/// What `read(data, size)` gives, up to where it gives 0; it says how many bytes it put there, negative where it failed. None
/// where it failed, gave more than there was room for, or what no state is.
template <typename Read>
std::optional<std::string> read_state(const Read& read) {
  std::string state;
  char part[4096];
  for (std::int64_t now; (now = read(part, sizeof part)) != 0;) {
    if (now < 0 || now > static_cast<std::int64_t>(sizeof part) || state.size() > kLargestState) return std::nullopt;
    state.append(part, static_cast<std::size_t>(now));
  }
  if (!is_state(state)) return std::nullopt;
  return state;
}

/// Whether `write(data, size)` took all of it; it says how many bytes it took, none or fewer where it failed.
template <typename Write>
bool write_state(std::string& state, const Write& write) {
  for (std::size_t done = 0; done < state.size();) {
    const std::size_t left = state.size() - done;
    const std::int64_t now = write(state.data() + done, left);
    if (now <= 0 || now > static_cast<std::int64_t>(left)) return false;
    done += static_cast<std::size_t>(now);
  }
  return true;
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
