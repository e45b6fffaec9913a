#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace diffverb::runtime {

/// A sound that is read piece by piece, at the rate that is asked for; what it holds does not grow with the file.
class SoundInput {
 public:
  static constexpr int kMostChannels = 8;

  /// Any file that libsndfile reads, of 1 to 8 channels. Where the rate differs it is resampled, and that is said on stderr;
  /// rate 0 takes the file's.
  /// Throws   RenderFailure 2: no such file, no sound, more channels, no samples
  SoundInput(const std::string& path, double rate_hz);
  ~SoundInput();
  SoundInput(const SoundInput&) = delete;
  SoundInput& operator=(const SoundInput&) = delete;

  int channels() const { return channels_; }
  double rate_hz() const { return rate_hz_; }
  /// At that rate, as the file's header has it: for a bar of progress.
  double frames_expected() const;

  /// to [channels][up to frames]. Returns how many there were: fewer only at the end.
  /// Throws   RenderFailure 2 at a sample that is not a number
  std::size_t read(float* const* to, std::size_t frames);

 private:
  std::size_t read_file(std::size_t frames);  // into file_samples_
  std::size_t resample(std::size_t frames);   // into samples_

  struct Handles;
  std::unique_ptr<Handles> handles_;
  std::string path_;
  int channels_ = 0;
  double rate_hz_ = 0, file_rate_hz_ = 0, file_frames_ = 0;
  long long frames_read_ = 0;  // of the file
  bool file_ended_ = false;
  std::vector<float> file_samples_;       // interleaved, as read
  std::size_t left_from_ = 0, left_ = 0;  // frames of file_samples_ that the resampler has not taken yet
  std::vector<float> samples_;            // interleaved, at the rate
};

}  // namespace diffverb::runtime
