#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace diffverb::runtime {

/// What a sample is written as. The two of whole numbers are dithered: triangular noise of two steps, the same every time.
enum class SampleFormat { kFloat, kPcm24, kPcm16 };

/// A WAV file that is written piece by piece, under a temporary name until finish(): a full disk, a failure and
/// Ctrl-C leave what was there. Beyond 4 GB it becomes an RF64 file.
class SoundOutput {
 public:
  /// frames: how many are about to come, by which the container is chosen.
  /// Throws   RenderFailure 2 where it cannot be written
  SoundOutput(const std::string& path, int channels, double rate_hz, SampleFormat format, double frames);
  ~SoundOutput();  // without finish() nothing is left
  SoundOutput(const SoundOutput&) = delete;
  SoundOutput& operator=(const SoundOutput&) = delete;

  /// from [channels][frames]
  void write(const float* const* from, std::size_t frames);
  void finish();

  double peak() const { return peak_; }           ///< of what was to be written; 1 is full scale
  long long clipped() const { return clipped_; }  ///< samples beyond what the format holds; 0 in floating point

 private:
  void put(const float* interleaved, std::size_t count);

  struct File;
  std::string path_, temporary_;
  std::unique_ptr<File> file_;
  int channels_;
  SampleFormat format_;
  double peak_ = 0;
  long long clipped_ = 0;
  std::minstd_rand dither_{1};
  std::vector<float> interleaved_;
  std::vector<std::int32_t> whole_;
};

}  // namespace diffverb::runtime
