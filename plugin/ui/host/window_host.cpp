#include "plugin/ui/host/window_host.h"

#include <array>
#include <chrono>
#include <random>
#include <thread>

// DPF's own: what each of its formats is made of.
#include "plugin/DistrhoPluginInfo.h"
#include "src/DistrhoPluginInternal.hpp"
#include "src/DistrhoUIInternal.hpp"

namespace diffverb::ui {
namespace {

constexpr uint32_t kFrames = 256;
constexpr double kRate = 48000;

}  // namespace

struct WindowHost::Impl {
  Impl() {
    DISTRHO_NAMESPACE::d_nextBufferSize = kFrames;
    DISTRHO_NAMESPACE::d_nextSampleRate = kRate;
    plugin = std::make_unique<DISTRHO_NAMESPACE::PluginExporter>(this, nullptr, nullptr, nullptr);
    plugin->activate();
    ui = std::make_unique<DISTRHO_NAMESPACE::UIExporter>(this, 0, kRate, edit, set, state, nullptr, resized, nullptr,
                                                         nullptr, plugin->getInstancePointer());
    for (uint32_t i = 0; i < plugin->getParameterCount(); ++i) ui->parameterChanged(i, plugin->getParameterValue(i));
  }
  ~Impl() {
    ui.reset();
    plugin->deactivate();
  }

  static void edit(void* self, uint32_t, bool started) {
    ++(started ? static_cast<Impl*>(self)->begun : static_cast<Impl*>(self)->ended);
  }
  static void set(void* self, uint32_t index, float value) {
    static_cast<Impl*>(self)->plugin->setParameterValue(index, value);
  }
  static void state(void* self, const char* key, const char* value) {
    static_cast<Impl*>(self)->plugin->setState(key, value);
  }
  static void resized(void*, uint, uint) {}

  // Bursts of noise of 50 ms, twice a second.
  void play_block() {
    for (uint32_t i = 0; i < kFrames; ++i, ++played) {
      const bool loud = played % 24000 < 2400;
      for (auto& channel : in) channel[i] = loud ? 0.12f * normal(random) : 0.f;
    }
    const float* inputs[] = {in[0].data(), in[1].data()};
    float* outputs[] = {out[0].data(), out[1].data()};
    plugin->run(inputs, outputs, kFrames);
  }

  void tell_outputs() {
    for (uint32_t i = 0; i < plugin->getParameterCount(); ++i)
      if (plugin->isParameterOutput(i)) ui->parameterChanged(i, plugin->getParameterValue(i));
  }

  std::unique_ptr<DISTRHO_NAMESPACE::PluginExporter> plugin;
  std::unique_ptr<DISTRHO_NAMESPACE::UIExporter> ui;
  std::array<std::array<float, kFrames>, 2> in{}, out{};
  std::mt19937 random{1};
  std::normal_distribution<float> normal;
  long long played = 0;
  int begun = 0, ended = 0;
};

WindowHost::WindowHost() : impl_(std::make_unique<Impl>()) {}
WindowHost::~WindowHost() = default;

void WindowHost::set_parameter(uint32_t index, float value) {
  impl_->plugin->setParameterValue(index, value);
  impl_->ui->parameterChanged(index, value);
}

void WindowHost::set_state(const char* key, const std::string& value) {
  impl_->plugin->setState(key, value.c_str());
  impl_->ui->stateChanged(key, value.c_str());
}

float WindowHost::parameter(uint32_t index) const { return impl_->plugin->getParameterValue(index); }
void WindowHost::show() { impl_->ui->setWindowVisible(true); }
std::uintptr_t WindowHost::window() const { return impl_->ui->getNativeWindowHandle(); }
int WindowHost::gestures_begun() const { return impl_->begun; }
int WindowHost::gestures_ended() const { return impl_->ended; }

bool WindowHost::run(double seconds) {
  const auto start = std::chrono::steady_clock::now();
  const long long first = impl_->played;
  for (double passed = 0; passed < seconds;) {
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    while (static_cast<double>(impl_->played - first) < passed * kRate) impl_->play_block();
    impl_->tell_outputs();
    if (!impl_->ui->plugin_idle()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace diffverb::ui
