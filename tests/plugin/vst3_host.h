#pragma once

#include <memory>

#include "src/travesty/component.h"
#include "src/travesty/edit_controller.h"
#include "src/travesty/factory.h"
#include "tests/plugin/saved_texts.h"
#include "tests/plugin/vst3_application.h"
#include "tests/plugin/vst3_objects.h"

namespace diffverb::hosts {

/// A VST3 binary that was opened; one for all of its plug-ins.
class Vst3Library {
 public:
  explicit Vst3Library(const std::string& file);
  ~Vst3Library();
  Vst3Library(const Vst3Library&) = delete;
  Vst3Library& operator=(const Vst3Library&) = delete;

  v3_plugin_factory** factory() const { return factory_; }

 private:
  void* handle_ = nullptr;
  v3_plugin_factory** factory_ = nullptr;
};

/// A VST3 host: the component, its processor and its controller, parameters through the blocks' changes.
class Vst3Host final : public StreamedPlugin {
 public:
  explicit Vst3Host(std::shared_ptr<const Vst3Library> library);
  ~Vst3Host() override;

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

  /// As a host changes programs: the parameter that is flagged so, from 0 to 1, outside of process().
  void set_program(double normalised);
  v3_edit_controller** controller() const { return controller_; }
  Vst3Application& application() { return application_; }

 private:
  v3_param_id id_of(int parameter) const { return ids_[static_cast<std::size_t>(parameter)]; }
  void find_parameters();

  std::shared_ptr<const Vst3Library> library_;
  Vst3Application application_;
  v3_component** component_ = nullptr;
  v3_audio_processor** processor_ = nullptr;
  v3_edit_controller** controller_ = nullptr;
  std::vector<Parameter> parameters_;
  std::vector<v3_param_id> ids_;
  v3_param_id program_ = 0;
  ParameterChanges sent_, told_;
  std::vector<double> outputs_;  // what the plug-in has told last, by parameter, from 0 to 1
  bool active_ = false;
};

}  // namespace diffverb::hosts
