#pragma once

#include "src/clap/entry.h"
#include "src/clap/events.h"
#include "src/clap/ext/audio-ports.h"
#include "src/clap/ext/params.h"
#include "src/clap/ext/state.h"
#include "src/clap/plugin-factory.h"
#include "tests/plugin/saved_texts.h"

namespace diffverb::hosts {

/// A CLAP binary that was opened; one for all of its plug-ins.
class ClapLibrary {
 public:
  explicit ClapLibrary(const std::string& file);
  ~ClapLibrary();
  ClapLibrary(const ClapLibrary&) = delete;
  ClapLibrary& operator=(const ClapLibrary&) = delete;

  const clap_plugin_factory_t* factory() const { return factory_; }

 private:
  void* handle_ = nullptr;
  const clap_plugin_entry_t* entry_ = nullptr;
  const clap_plugin_factory_t* factory_ = nullptr;
};

class ClapHost final : public StreamedPlugin {
 public:
  explicit ClapHost(std::shared_ptr<const ClapLibrary> library);
  ~ClapHost() override;

  int inputs() const override;
  void activate(double rate_hz, int largest_block) override;
  void deactivate() override;
  const std::vector<Parameter>& parameters() const override { return parameters_; }
  using HostedPlugin::get;
  using HostedPlugin::set;
  void set(int parameter, double value) override;
  double get(int parameter) const override;
  std::string save_in_parts(std::size_t part) override;
  bool restore_in_parts(const std::string& state, std::size_t part) override;
  void process(const float* const* in, float* const* out, int frames) override;

  /// Events of other kinds, other spaces and other sizes, in the next process().
  void send_foreign_events();

  /// The value that the plug-in itself has told of; not a number where there is none.
  double told(const std::string& symbol) const { return told_[static_cast<std::size_t>(find(symbol))]; }

  /// Calls every timer that the plug-in has asked for once.
  void tick();
  std::size_t timers() const { return timers_.size(); }
  /// How often the plug-in has said that an edit begins or ends; process() hears it.
  int gestures() const { return gestures_; }

  const clap_plugin_t& plugin() const { return *plugin_; }

 private:
  static const void* host_extension(const clap_host_t* host, const char* id);
  void hear(const clap_event_header_t& event);
  template <typename T>
  const T* extension(const char* id) const {
    return static_cast<const T*>(plugin_->get_extension(plugin_, id));
  }

  std::shared_ptr<const ClapLibrary> library_;
  clap_host_t host_{};
  const clap_plugin_t* plugin_ = nullptr;
  const clap_plugin_params_t* params_ = nullptr;
  std::vector<Parameter> parameters_;
  std::vector<clap_event_param_value_t> events_;
  std::vector<double> told_;  // by parameter; filled without an allocation
  std::vector<clap_id> timers_;
  int gestures_ = 0;
  int inputs_ = 0;
};

}  // namespace diffverb::hosts
