#include "plugin/reverb_plugin.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "plugin/DistrhoPluginInfo.h"
#include "plugin/ascii_path.h"
#include "plugin/factory_presets.h"
#include "runtime/live/path_text.h"

namespace diffverb::plugin {
namespace {

using runtime::Control;

constexpr float kLowestPeakDb = -120;
constexpr float kFallDbPerSecond = 20;

struct OutputInfo {
  const char *id, *name, *unit;
  float lowest, highest, initial;
  uint32_t hints;
};
constexpr OutputInfo kOutputs[] = {
    {"in_peak", "In peak", "dB", kLowestPeakDb, 40, kLowestPeakDb, 0},
    {"out_peak_left", "Out peak left", "dB", kLowestPeakDb, 40, kLowestPeakDb, 0},
    {"out_peak_right", "Out peak right", "dB", kLowestPeakDb, 40, kLowestPeakDb, 0},
    {"status", "Status", "", 0, 2, 0, DISTRHO::kParameterIsInteger},
    {"cleared", "Cleared samples", "", 0, 1e6f, 0, DISTRHO::kParameterIsInteger},
};

struct StateInfo {
  const char *id, *label, *help;
  uint32_t hints;
};
constexpr StateInfo kStates[] = {
    {"model", "Model", "An exported model (.safetensors) or a response (.wav)", DISTRHO::kStateIsFilenamePath},
    {"response", "Measured response", "A WAV whose latent point x, y and z move to", DISTRHO::kStateIsFilenamePath},
    {"preset", "Preset", "The factory preset whose model plays where no file is chosen", DISTRHO::kStateIsHostWritable},
};

thread_local ReverbPlugin* made_last = nullptr;

float decibels(float peak) { return peak > 0 ? std::max(kLowestPeakDb, 20 * std::log10(peak)) : kLowestPeakDb; }

/// Shorter where there is no memory for `text`.
void tell(std::string& to, std::string_view text) noexcept try { to = text; } catch (const std::bad_alloc&) {
  to = "no memory";  // fits into any string as it is
}

}  // namespace

const char* state_id(StateKey key) { return kStates[static_cast<std::size_t>(key)].id; }

ReverbPlugin::ReverbPlugin()
    : Plugin(kParameters, static_cast<uint32_t>(factory_presets().size()), static_cast<uint32_t>(StateKey::kCount)) {
  for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_[i] = kOutputs[i].initial;
  made_last = this;
}

ReverbPlugin::~ReverbPlugin() {
  if (worker_) worker_->remove(*this);
}

ReverbPlugin* ReverbPlugin::last_made() { return made_last; }

std::string ReverbPlugin::message() const {
  {
    const std::lock_guard lock(telling_);
    if (!not_prepared_.empty()) return not_prepared_;
    if (!not_matched_.empty()) return not_matched_;
    if (!message_.empty()) return message_;
  }
  return reverb_.playing().problem;
}

std::string ReverbPlugin::state(StateKey key) const {
  const std::lock_guard lock(telling_);
  if (const int program = asked_program_.load(); program >= 0) {  // not taken yet, but what the session wants
    return key == StateKey::kPreset ? factory_presets()[static_cast<std::size_t>(program)].id : std::string();
  }
  return states_[static_cast<std::size_t>(key)];
}

const char* ReverbPlugin::getLabel() const { return DISTRHO_PLUGIN_NUM_INPUTS == 1 ? "diffverb_mono" : "diffverb"; }

const char* ReverbPlugin::getDescription() const {
  return "Plays reverberators that were fitted to rooms or trained: delay networks, response banks, an autoencoder";
}

int64_t ReverbPlugin::getUniqueId() const {
  return DISTRHO_PLUGIN_NUM_INPUTS == 1 ? d_cconst('D', 'v', 'r', 'm') : d_cconst('D', 'v', 'r', 'b');
}

void ReverbPlugin::initAudioPort(bool input, uint32_t index, DISTRHO::AudioPort& port) {
  Plugin::initAudioPort(input, index, port);
  const bool mono = input && DISTRHO_PLUGIN_NUM_INPUTS == 1;
  port.groupId = mono ? DISTRHO::kPortGroupMono : DISTRHO::kPortGroupStereo;
}

void ReverbPlugin::initParameter(uint32_t index, DISTRHO::Parameter& parameter) {
  if (index >= kControls) {
    const OutputInfo& output = kOutputs[index - kControls];
    parameter.hints = DISTRHO::kParameterIsOutput | output.hints;
    parameter.name = output.name;
    parameter.symbol = output.id;
    parameter.unit = output.unit;
    parameter.ranges = {output.initial, output.lowest, output.highest};
    return;
  }
  const runtime::ControlInfo& control = runtime::controls()[index];
  parameter.hints = DISTRHO::kParameterIsAutomatable;
  if (control.taper == runtime::Taper::kSwitch) parameter.hints |= DISTRHO::kParameterIsBoolean;
  if (control.taper == runtime::Taper::kLogarithmic) parameter.hints |= DISTRHO::kParameterIsLogarithmic;
  parameter.name = control.name;
  parameter.symbol = control.id;
  parameter.unit = control.unit;
  parameter.description = control.help;
  parameter.ranges = {static_cast<float>(control.initial), static_cast<float>(control.lowest),
                      static_cast<float>(control.highest)};
}

void ReverbPlugin::initState(uint32_t index, DISTRHO::State& state) {
  const StateInfo& info = kStates[index];
  state.hints = info.hints;
  state.key = info.id;
  state.label = info.label;
  state.description = info.help;
}

void ReverbPlugin::initProgramName(uint32_t index, DISTRHO::String& name) {
  name = factory_presets()[index].preset.name.c_str();
}

float ReverbPlugin::getParameterValue(uint32_t index) const {
  if (index < kControls) return static_cast<float>(reverb_.get(static_cast<Control>(index)));
  return index < kParameters ? outputs_[index - kControls].load(std::memory_order_relaxed) : 0.F;
}

void ReverbPlugin::setParameterValue(uint32_t index, float value) {
  if (index < kControls) reverb_.set(static_cast<Control>(index), value);
}

DISTRHO::String ReverbPlugin::getState(const char* key) const try {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (std::strcmp(key, kStates[i].id) == 0) return DISTRHO::String(state(static_cast<StateKey>(i)).c_str());
  }
  return DISTRHO::String();
} catch (const std::bad_alloc&) {
  return DISTRHO::String();
}

void ReverbPlugin::setState(const char* key, const char* given) try {
  const std::string value = plain_path(given);
  if (std::strcmp(key, state_id(StateKey::kResponse)) == 0) return match(value);
  {
    const std::lock_guard lock(telling_);
    take_program();
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (std::strcmp(key, kStates[i].id) == 0) states_[i] = value;
    }
  }
  load_asked();
} catch (const std::exception& error) {
  say(Status::kRefused, error.what());
}

/// Some formats change programs in the audio thread, and none says which it is: what waits or allocates is left to the
/// worker, or to whoever changes or asks for the state next.
void ReverbPlugin::loadProgram(uint32_t index) {
  if (index >= factory_presets().size()) return;
  const runtime::ControlValues& values = factory_presets()[index].preset.values;
  for (std::size_t i = 0; i < values.size(); ++i) reverb_.set(static_cast<Control>(i), values[i]);
  asked_program_ = static_cast<int>(index);
}

/// The program that was asked for, as states; `telling_` is held.
void ReverbPlugin::take_program() {
  int program = asked_program_.load();
  if (program < 0) return;
  std::string id = factory_presets()[static_cast<std::size_t>(program)].id;  // what may fail comes first
  // A program that was asked for meanwhile is taken in the next call.
  asked_program_.compare_exchange_strong(program, -1);
  states_[static_cast<std::size_t>(StateKey::kModel)].clear();
  states_[static_cast<std::size_t>(StateKey::kPreset)] = std::move(id);
}

bool ReverbPlugin::work() noexcept {
  if (asked_program_.load() < 0) return false;
  load_asked();
  return true;
}

void ReverbPlugin::say(Status status, std::string_view message) noexcept {
  outputs_[static_cast<std::size_t>(Output::kStatus)] = static_cast<float>(status);
  const std::lock_guard lock(telling_);
  tell(message_, message);
  not_matched_.clear();
}

/// Moves x, y and z to a measured response's point; message() says so where there is none.
void ReverbPlugin::match(const std::string& path) {
  if (isDummyInstance() || path.empty()) return;
  const std::lock_guard lock(loading_);
  std::string refused = reverb_.match(runtime::path_of(path));
  if (refused.empty()) matches_.fetch_add(1, std::memory_order_release);
  const std::lock_guard tell(telling_);
  not_matched_ = std::move(refused);
}

/// Loads what the states ask for. What is thrown (memory that cannot be had, a path that is no text) is a reason like others.
void ReverbPlugin::load_asked() noexcept {
  if (isDummyInstance()) return;
  try {
    const std::lock_guard lock(loading_);
    load_states();
  } catch (const std::exception& error) {
    say(Status::kRefused, error.what());
  }
}

/// The model's file, or else the preset's; `loading_` is held.
void ReverbPlugin::load_states() {
  {
    const std::lock_guard tell(telling_);
    take_program();
  }
  const std::string model = state(StateKey::kModel), id = state(StateKey::kPreset);
  if (!model.empty()) {
    const std::string error = load(find_model(model));
    return say(error.empty() ? Status::kModel : Status::kRefused, error);
  }
  const FactoryPreset* preset = find_preset(id.empty() ? factory_presets()[0].id : id);
  if (preset == nullptr) {
    (void)load({});
    return say(Status::kRefused, "the preset '" + id + "' did not come with this plug-in: the built-in room plays");
  }
  const std::string error = load(preset->preset.model);
  const Status status = preset->preset.model.empty() ? Status::kBuiltIn : Status::kModel;
  say(error.empty() ? status : Status::kRefused, error);
}

/// A file, or the built-in room without one; nothing where it plays already. What plays plays on where it cannot be loaded.
std::string ReverbPlugin::load(const std::filesystem::path& path) {
  std::error_code error;
  Loaded next{path, {}};
  if (!path.empty()) next.time = std::filesystem::last_write_time(path, error);
  if (error) return runtime::path_text(path) + ": " + error.message();
  if (next == loaded_) return {};
  std::string refused = path.empty() ? reverb_.load(nullptr) : reverb_.load(path);
  if (refused.empty()) loaded_ = next;
  return refused;
}

void ReverbPlugin::activate() try {
  if (asked_program_.load() >= 0) load_asked();
  const std::string error = reverb_.prepare(getSampleRate(), DISTRHO_PLUGIN_NUM_INPUTS, DISTRHO_PLUGIN_NUM_OUTPUTS);
  ready_ = error.empty();
  if (!worker_) {
    auto worker = runtime::Worker::shared();
    worker->add(*this);
    worker_ = std::move(worker);
  }
  const std::lock_guard lock(telling_);
  tell(not_prepared_, error);
} catch (const std::exception& error) {
  ready_ = false;
  const std::lock_guard lock(telling_);
  tell(not_prepared_, error.what());
}

void ReverbPlugin::run(const float** inputs, float** outputs, uint32_t frames) {
  if (!ready_.load(std::memory_order_relaxed)) {
    for (int c = 0; c < DISTRHO_PLUGIN_NUM_OUTPUTS; ++c) std::fill_n(outputs[c], frames, 0.F);
    return;
  }
  reverb_.process(inputs, outputs, static_cast<int>(frames));
  const runtime::Levels levels = reverb_.levels();
  const float fallen = kFallDbPerSecond * static_cast<float>(frames / getSampleRate());
  const auto show = [&](Output output, float peak) {
    auto& shown = outputs_[static_cast<std::size_t>(output)];
    shown.store(std::max(decibels(peak), shown.load(std::memory_order_relaxed) - fallen), std::memory_order_relaxed);
  };
  show(Output::kInPeak, levels.in_peak);
  show(Output::kOutPeakLeft, levels.out_peak[0]);
  show(Output::kOutPeakRight, levels.out_peak[1]);
  outputs_[static_cast<std::size_t>(Output::kCleared)].store(static_cast<float>(std::min(levels.cleared, 1'000'000LL)),
                                                             std::memory_order_relaxed);
}

}  // namespace diffverb::plugin

START_NAMESPACE_DISTRHO
Plugin* createPlugin() { return new diffverb::plugin::ReverbPlugin; }
END_NAMESPACE_DISTRHO
