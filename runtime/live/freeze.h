#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace diffverb::runtime {

/// Holds what sounds, whatever it comes from, for as long as it is asked to.
///
/// While it waits it keeps the last 1.2 s of each channel: a store a sample. Frozen, this memory is cut into 16 delay lines
/// of 35 to 115 ms that feed one another through a Hadamard matrix: a lossless network, which keeps the energy and the
/// spectrum of what it was loaded with while it makes it denser; all channels go through the same one, so that the place of
/// sounds stays. For the first 50 ms the chain that the memory was turns into the matrix, so that nothing jumps where it
/// was cut. The level is that of the last tenth of a second before.
/// Source: Jot & Chaigne, "Digital delay networks for designing artificial reverberators", AES 90, 1991, for the network
class Freeze {
 public:
  static constexpr std::size_t kLines = 16;
  static constexpr std::size_t kMostChannels = 2;

  /// Allocates; the only function that does.
  void prepare(double rate_hz, int channels);
  void reset() noexcept;
  /// The sound in place; `on` from its first sample on. New sound is not heard while it is on.
  void process(float* const* channels, int frames, bool on) noexcept;

 private:
  static constexpr std::size_t kParts = 64;

  /// The last samples of every channel, and where the next one goes.
  struct Memory {
    std::vector<std::vector<float>> channels;  // [C][size]
    std::size_t head = 0, recorded = 0;
    std::array<double, kParts> energy{};  // of each part of it, all channels together
  };
  struct Line {
    std::size_t begin = 0, length = 1, at = 0;  // in the memory; `at` from begin on
    std::size_t stale = 0;                      // samples still to come that were not recorded: silence
  };

  void record(const float* const* channels, int from, int frames) noexcept;
  void begin() noexcept;
  /// Writes one sample of every channel.
  void hold(float* frame) noexcept;

  std::size_t channels_ = 0, size_ = 1, part_size_ = 1;
  std::array<std::size_t, kLines> lengths_{};
  Memory memories_[2];
  int recording_ = 0;  // the other one is held
  std::array<Line, kLines> lines_;
  std::vector<float> last_;  // [C] what came in last
  double recent_ = 0, recent_pole_ = 0;
  float level_ = 0;
  float turned_ = 0, turn_step_ = 0;              // from the chain to the matrix, 0 .. 1
  float share_ = 0, in_step_ = 0, out_step_ = 0;  // of what is held in what is heard, 0 .. 1
};

}  // namespace diffverb::runtime
