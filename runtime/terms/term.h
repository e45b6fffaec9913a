#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/safetensors.h"

namespace diffverb::runtime {

/// Of the network that a term stands beside.
struct TermShape {
  int outputs = 0, inputs = 0;
  double sample_rate_hz = 0;
};

/// Plays one term without latency. The samples do not depend on how the input is cut into blocks.
class TermPlayer {
 public:
  /// The most frames that add() takes: those of the engine's chunk.
  static constexpr int kChunk = 256;

  virtual ~TermPlayer() = default;
  virtual void reset() noexcept = 0;
  /// Adds to `out`: row o at out + o out_stride. `in` likewise; kPad floats behind both are used. Allocates nothing.
  virtual void add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept = 0;
};

/// What adds to a network's output, after its output equalisers, and need not be linear: each kind is a class of its own
/// (product_term.h, frame_term.h) and a line of the table in term_file.cpp. A term never changes once it is in a network.
class Term {
 public:
  using Signals = std::vector<std::vector<double>>;  // [channel][sample]
  using Tensors = std::map<std::string, Tensor, std::less<>>;

  virtual ~Term() = default;
  /// As the file's metadata names it.
  virtual const char* kind() const = 0;
  /// Returns an empty string, or the first reason against it, with `name` before a tensor's name: sizes that fit
  /// together, finite values, limits.
  virtual std::string check(const TermShape& shape, const std::string& name) const = 0;
  /// How long an impulse is heard in it.
  virtual int memory_samples() const = 0;
  /// Views of its values as tensors of a file, `name` before each tensor's name; the term must live as long.
  virtual void add_tensors(const TermShape& shape, const std::string& name, Tensors& to) const = 0;
  /// Adds what it plays, from its formula in double precision. Slow.
  virtual void add_reference(const TermShape& shape, const Signals& input, Signals& output) const = 0;
  /// The same term for signals of another rate than the shape's: its filters play what they played, as far as both rates reach. What
  /// products and units add above a half rate folds at each rate in its own way.
  virtual std::shared_ptr<const Term> at_rate(const TermShape& shape, double to_hz) const = 0;
  /// Reads: a term that check() accepted; it must live as long. Allocates.
  virtual std::unique_ptr<TermPlayer> make_player(const TermShape& shape) const = 0;
};

using Terms = std::vector<std::shared_ptr<const Term>>;

/// What a signal inside a term is kept within, as an engine's input is: far beyond sound, and far from infinity.
inline constexpr double kLoudestInside = 1e9;

/// sum_k taps[k] x(n - k) in double precision, of samples before the first none.
double filtered_sample(const float* taps, std::size_t count, const std::vector<double>& x, std::size_t n);

}  // namespace diffverb::runtime
