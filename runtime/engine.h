#pragma once

#include <memory>
#include <string>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Plays a delay network in real time: what reference.h computes, in single precision, without latency.
///
/// prepare() allocates everything; process() is noexcept, allocates nothing, takes no lock and takes blocks of any
/// size, and the samples do not depend on how they are cut into blocks. Each loop of the network advances by blocks no
/// longer than its own shortest delay (delay_network_player.h): a matrix product over time (SIMD over samples), one
/// pass of the line filters (SIMD over lines), then output equalisers as a wavefront (SIMD over sections), the early
/// part as a direct head and partitioned transforms.
/// Denormals are flushed while it runs and the caller's mode is put back. An input sample that is not finite, or beyond
/// 1e9, counts as silence: it would otherwise ring for ever.
class Engine {
 public:
  Engine();
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// Returns an empty string, or why the model cannot be played at this rate (the old one goes on playing then).
  [[nodiscard]] std::string prepare(std::shared_ptr<const Model> model, double host_rate_hz);
  bool is_ready() const { return impl_ != nullptr; }
  int inputs() const;
  int outputs() const;

  /// in [inputs][frames] -> out [outputs][frames]; an output may be the memory of an input. Does nothing until
  /// prepare().
  void process(const float* const* in, float* const* out, int frames) noexcept;
  /// Silences all tails.
  void reset() noexcept;
  /// The instruction set in use, e.g. "AVX3".
  static const char* target();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace diffverb::runtime
