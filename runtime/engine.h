#pragma once

#include <memory>
#include <string>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Plays a delay network in real time.
///
/// prepare() allocates everything; process() is noexcept, allocates nothing, takes no lock, takes blocks of any size and adds no
/// latency. Lines advance by blocks no longer than the shortest delay: one matrix product over time (SIMD over samples), one pass
/// of the line filters (SIMD over lines, state-variable form, exact down to a few hertz in float32), output equalisers as a
/// wavefront (SIMD over sections), the early part as a short direct head and partitioned transforms. Denormals are flushed
/// while it runs and the caller's mode is put back.
class Engine {
 public:
  Engine();
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// Returns an empty string, or why the model cannot be played at this rate (the old one goes on playing then).
  std::string prepare(std::shared_ptr<const Model> model, double host_rate_hz);
  bool is_ready() const { return impl_ != nullptr; }
  int inputs() const;
  int outputs() const;

  /// in [inputs][frames] -> out [outputs][frames]; must not overlap. Does nothing until prepare().
  void process(const float* const* in, float* const* out, int frames) noexcept;
  /// Silences all tails.
  void reset() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace diffverb::runtime
