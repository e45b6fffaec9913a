#pragma once

#include <DistrhoPlugin.hpp>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/live/live_reverb.h"
#include "runtime/live/worker.h"

namespace diffverb::plugin {

/// Parameters: the controls of runtime/live/controls.h in their order, then these, which the plug-in writes.
enum class Output {
  kInPeak,        ///< dB, the larger channel, falling 20 dB/s
  kOutPeakLeft,   ///< dB
  kOutPeakRight,  ///< dB
  kStatus,        ///< a Status as a number
  kCleared,       ///< input samples that were not finite, since the plug-in was switched on; at most 1e6
  kCount
};
constexpr int kControls = static_cast<int>(runtime::Control::kCount);
constexpr int kParameters = kControls + static_cast<int>(Output::kCount);

enum class Status {
  kBuiltIn,  ///< no model was asked for: the built-in room plays
  kModel,    ///< the model that was asked for plays
  kRefused   ///< message() says why the model that was asked for does not play
};

/// What a session saves beside the controls, as text. Order of DPF's state list.
enum class StateKey {
  kModel,     ///< path of any file that plays; empty: what the preset says
  kResponse,  ///< path of a measured WAV whose latent point x, y, z move to: a wish, never saved
  kPreset,    ///< id of a factory preset (factory_presets.h); it gives the model where no path does
  kCount
};
const char* state_id(StateKey key);  ///< "model", "response", "preset"

/// The plug-in between DPF and the engine. The interface holds a pointer to it (DISTRHO_PLUGIN_WANT_DIRECT_ACCESS) and may
/// call what is public here from its own thread; what it changes goes through the host (setParameterValue, setState), so
/// that sessions hold it.
class ReverbPlugin final : public DISTRHO::Plugin, private runtime::Worker::Task {
 public:
  ReverbPlugin();
  ~ReverbPlugin() override;

  /// The one that this thread made last: how a format's functions find theirs.
  static ReverbPlugin* last_made();
  runtime::LiveReverb& reverb() { return reverb_; }
  const runtime::LiveReverb& reverb() const { return reverb_; }
  /// One line on what went wrong last with a file, empty when all is well.
  std::string message() const;
  std::string state(StateKey key) const;
  /// How many measured responses have moved x, y and z so far. The interface passes the moves on to the host, as
  /// if by hand; in CLAP process() does (formats/clap_entry.cpp).
  unsigned matches() const { return matches_.load(std::memory_order_acquire); }

 protected:
  const char* getLabel() const override;
  const char* getDescription() const override;
  const char* getMaker() const override { return "diffverb"; }
  const char* getLicense() const override { return "MIT"; }
  uint32_t getVersion() const override { return d_version(0, 1, 0); }
  int64_t getUniqueId() const override;

  void initAudioPort(bool input, uint32_t index, DISTRHO::AudioPort& port) override;
  void initParameter(uint32_t index, DISTRHO::Parameter& parameter) override;
  void initState(uint32_t index, DISTRHO::State& state) override;
  void initProgramName(uint32_t index, DISTRHO::String& name) override;

  float getParameterValue(uint32_t index) const override;
  void setParameterValue(uint32_t index, float value) override;
  DISTRHO::String getState(const char* key) const override;
  void setState(const char* key, const char* value) override;
  void loadProgram(uint32_t index) override;

  void activate() override;
  void run(const float** inputs, float** outputs, uint32_t frames) override;

 private:
  /// What a session asks for, as it was loaded last.
  struct Loaded {
    std::filesystem::path path;
    std::filesystem::file_time_type time;
    bool operator==(const Loaded&) const = default;
  };

  bool work() noexcept override;
  bool is_due() noexcept override { return asked_program_.load() >= 0; }
  void take_program();
  void load_asked() noexcept;
  void load_states();
  void match(const std::string& path);
  std::string load(const std::filesystem::path& path);
  void say(Status status, std::string_view message) noexcept;

  runtime::LiveReverb reverb_;
  std::mutex loading_;  // over loads, which take their time
  Loaded loaded_;
  std::shared_ptr<runtime::Worker> worker_;

  mutable std::mutex telling_;  // over what follows; held for moments, never by run()
  std::array<std::string, static_cast<std::size_t>(StateKey::kCount)> states_;
  std::string message_, not_prepared_, not_matched_;

  std::array<std::atomic<float>, static_cast<std::size_t>(Output::kCount)> outputs_{};
  std::atomic<bool> ready_{false};
  std::atomic<unsigned> matches_{0};
  std::atomic<int> asked_program_{-1};  // a factory preset that the states do not say yet, or -1
};

}  // namespace diffverb::plugin
