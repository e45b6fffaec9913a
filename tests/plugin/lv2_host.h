#pragma once

#include <lilv/lilv.h>
#include <lv2/atom/forge.h>
#include <lv2/options/options.h>
#include <lv2/state/state.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>

#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include "tests/plugin/hosted_plugin.h"

namespace diffverb::hosts {

/// URIs and their numbers, for all plug-ins of this process.
class Urids {
 public:
  LV2_URID of(const char* uri);
  const char* uri(LV2_URID urid);
  LV2_URID_Map* map() { return &map_; }
  LV2_URID_Unmap* unmap() { return &unmap_; }
  static Urids& all();

 private:
  Urids();
  std::mutex lock_;
  std::map<std::string, LV2_URID> numbers_;
  std::deque<std::string> uris_;
  LV2_URID_Map map_{};
  LV2_URID_Unmap unmap_{};
};

/// What a simple host may lack.
struct Lv2Offers {
  bool worker = true, options = true;
};

/// A small LV2 host over lilv. The plug-in's work is done in process() itself, after the plug-in has run.
class Lv2Host final : public HostedPlugin {
 public:
  explicit Lv2Host(const std::filesystem::path& bundle, Lv2Offers offers = {});
  ~Lv2Host() override;

  int inputs() const override { return static_cast<int>(audio_in_.size()); }
  void activate(double rate_hz, int largest_block) override;
  void deactivate() override;
  const std::vector<Parameter>& parameters() const override { return parameters_; }
  using HostedPlugin::get;
  using HostedPlugin::set;
  void set(int parameter, double value) override;
  double get(int parameter) const override;
  /// A folder in the state's text form, made by lilv and read back by it, through state:mapPath.
  std::string save() override;
  bool restore(const std::string& state) override;
  void set_text(const std::string& key, const std::string& value) override;
  void process(const float* const* in, float* const* out, int frames) override;

  void save_to(const std::filesystem::path& folder);
  void restore_from(const std::filesystem::path& folder);
  /// The presets of the bundle, by their names.
  std::vector<std::string> presets() const;
  void use_preset(const std::string& name);
  const LilvPlugin* plugin() const { return plugin_; }
  LilvWorld* world() const { return world_; }
  LilvInstance* instance() const { return instance_; }
  bool started() const { return instance_ != nullptr; }
  int work_done() const { return work_done_; }

 private:
  template <typename Use>
  void each_preset(const Use& use) const;
  void find_ports();
  void connect_ports();
  void do_work();
  void apply(LilvState* state);
  static LV2_Worker_Status schedule(LV2_Worker_Schedule_Handle host, uint32_t size, const void* data);

  LilvWorld* world_ = nullptr;
  const LilvPlugin* plugin_ = nullptr;
  LilvInstance* instance_ = nullptr;
  Lv2Offers offers_;
  double rate_hz_ = 0;
  bool active_ = false;
  int block_ = 4096, work_done_ = 0;

  std::vector<Parameter> parameters_;
  std::vector<uint32_t> parameter_ports_, audio_in_, audio_out_;
  uint32_t events_in_ = 0, events_out_ = 0;
  std::vector<float> values_;
  std::vector<uint64_t> in_buffer_, out_buffer_;  // of the event ports, aligned as atoms are
  std::deque<std::vector<uint64_t>> work_;
  LV2_Worker_Schedule schedule_{};
  LV2_URID chunk_ = 0;
};

}  // namespace diffverb::hosts
