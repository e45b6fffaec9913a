#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/variation.h"

namespace diffverb::runtime {

/// What a voice is made for: the controls that change what plays, in their own units, and the host.
struct Setting {
  double rate_hz = 48000;
  std::array<double, 3> point{};  ///< x, y, z: 0 .. 9, continuous
  double width = 0;               ///< -4 .. 4 (stereo_width.h)
  Variation variation;

  bool operator==(const Setting&) const = default;
};

/// Something that plays at one setting, ready. process() and reset() are noexcept and allocate nothing.
class Voice {
 public:
  virtual ~Voice() = default;
  virtual int inputs() const = 0;
  virtual int outputs() const = 0;
  /// in [inputs][frames] -> out [outputs][frames], wet sound only, without latency; any number of frames.
  virtual void process(const float* const* in, float* const* out, int frames) noexcept = 0;
  /// As it was when it was made.
  virtual void reset() noexcept = 0;
  /// Samples: when its inputs and outputs have been silent for so long, nothing more comes.
  virtual long long longest_gap() const = 0;
};

struct VoiceResult {
  std::unique_ptr<Voice> voice;
  std::string error;  ///< empty exactly when `voice` is there
};

/// Where x, y and z have to be for what plays to sound like a measured response.
struct PointResult {
  std::array<double, 3> point{};  ///< 0 .. 9
  std::string error;              ///< empty exactly when `point` is there
};

/// Whether a voice that is being made is not wanted any more; may be empty: it is. Asked between pieces of work.
using GivenUp = std::function<bool()>;

/// A file that was loaded and checked, of any kind: delay network, response bank, autoencoder, or a plain WAV response. It
/// never changes and may be used by several threads.
class Source {
 public:
  virtual ~Source() = default;
  virtual const char* kind() const = 0;
  virtual std::string title() const = 0;        ///< from the metadata, or the file's name
  virtual bool has_point() const = 0;           ///< whether x, y, z (and width) change anything
  virtual bool moves() const { return false; }  ///< whether modulation changes anything
  /// Takes up to seconds for long responses; off the audio thread. Nothing is thrown. An error too where it was given up.
  virtual VoiceResult make_voice(const Setting& setting, const GivenUp& given_up = {}) const = 0;
  /// The point of a measured response [C][T]. A second's work or less for two seconds; off the audio thread. Nothing is
  /// thrown.
  virtual PointResult point_of(const std::vector<std::vector<float>>& response, double rate_hz) const;
};

/// A source, or the reason why there is none.
struct SourceResult {
  std::shared_ptr<const Source> source;
  std::string error;  ///< empty exactly when `source` is there
  explicit operator bool() const { return source != nullptr; }
};

/// Reads and checks any file that plays. Nothing is thrown.
SourceResult load_source(const std::filesystem::path& path);
/// The same for a file's bytes; `name` is the title where the file has none.
SourceResult load_source(std::span<const std::uint8_t> file, const std::string& name);
/// What plays without any file: a plain room, built in.
std::shared_ptr<const Source> built_in_source();

}  // namespace diffverb::runtime
