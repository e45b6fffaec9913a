#include "tests/plugin/vst3_host.h"

#include <dlfcn.h>

#include <stdexcept>

#include "runtime/live/controls.h"

namespace diffverb::hosts {

Vst3Library::Vst3Library(const std::string& file) {
  handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) throw std::runtime_error(dlerror());
  const auto entry = reinterpret_cast<bool (*)(void*)>(dlsym(handle_, "ModuleEntry"));
  if (entry == nullptr || !entry(handle_)) throw std::runtime_error(file + ": no VST3 entry");
  factory_ = static_cast<v3_plugin_factory**>(reinterpret_cast<void* (*)()>(dlsym(handle_, "GetPluginFactory"))());
}

Vst3Library::~Vst3Library() {
  v3_cpp_obj_unref(factory_);
  reinterpret_cast<bool (*)()>(dlsym(handle_, "ModuleExit"))();
  dlclose(handle_);
}

Vst3Host::Vst3Host(std::shared_ptr<const Vst3Library> library) : library_(std::move(library)) {
  v3_plugin_factory** const factory = library_->factory();
  v3_class_info info;
  void* made = nullptr;
  if (v3_cpp_obj(factory)->get_class_info(factory, 0, &info) != V3_OK ||
      v3_cpp_obj(factory)->create_instance(factory, info.class_id, v3_component_iid, &made) != V3_OK)
    throw std::runtime_error("the VST3 factory makes nothing");
  component_ = static_cast<v3_component**>(made);
  if (v3_cpp_obj_initialize(component_, application_.context()) != V3_OK ||
      v3_cpp_obj_query_interface(component_, v3_audio_processor_iid, &processor_) != V3_OK ||
      v3_cpp_obj_query_interface(component_, v3_edit_controller_iid, &controller_) != V3_OK ||
      v3_cpp_obj(controller_)->set_component_handler(controller_, application_.handler()) != V3_OK)
    throw std::runtime_error("the VST3 plug-in did not start");
  find_parameters();
}

Vst3Host::~Vst3Host() {
  if (active_) deactivate();
  v3_cpp_obj_unref(controller_);
  v3_cpp_obj_unref(processor_);
  v3_cpp_obj_terminate(component_);
  v3_cpp_obj_unref(component_);
}

/// VST3 knows no symbols: those of the table of controls and then the plug-in's meters, in their order.
void Vst3Host::find_parameters() {
  std::vector<std::string> symbols;
  for (const auto& control : runtime::controls()) symbols.emplace_back(control.id);
  for (const char* meter : {"in_peak", "out_peak_left", "out_peak_right", "status", "cleared"})
    symbols.emplace_back(meter);
  for (int32_t i = 0; i < v3_cpp_obj(controller_)->get_parameter_count(controller_); ++i) {
    v3_param_info info{};
    if (v3_cpp_obj(controller_)->get_parameter_info(controller_, i, &info) != V3_OK)
      throw std::runtime_error("a VST3 parameter without information");
    if (info.flags & V3_PARAM_PROGRAM_CHANGE) {
      program_ = info.param_id;
      continue;
    }
    const auto plain = [&](double normalised) {
      return v3_cpp_obj(controller_)->normalised_parameter_to_plain(controller_, info.param_id, normalised);
    };
    parameters_.push_back({symbols.at(parameters_.size()), plain(0), plain(1), plain(info.default_normalised_value),
                           (info.flags & V3_PARAM_READ_ONLY) != 0});
    ids_.push_back(info.param_id);
    outputs_.push_back(info.default_normalised_value);
  }
}

int Vst3Host::inputs() const {
  v3_bus_info bus{};
  if (v3_cpp_obj(component_)->get_bus_info(component_, V3_AUDIO, V3_INPUT, 0, &bus) != V3_OK)
    throw std::runtime_error("the VST3 plug-in has no input");
  return bus.channel_count;
}

void Vst3Host::activate(double rate_hz, int largest_block) {
  v3_process_setup setup = {V3_REALTIME, V3_SAMPLE_32, largest_block, rate_hz};
  if (v3_cpp_obj(processor_)->setup_processing(processor_, &setup) != V3_OK)
    throw std::runtime_error("the VST3 plug-in refuses rate or block");
  v3_cpp_obj(component_)->set_active(component_, 1);
  v3_cpp_obj(processor_)->set_processing(processor_, 1);
  active_ = true;
}

void Vst3Host::deactivate() {
  v3_cpp_obj(processor_)->set_processing(processor_, 0);
  v3_cpp_obj(component_)->set_active(component_, 0);
  active_ = false;
}

void Vst3Host::set(int parameter, double value) {
  const v3_param_id id = id_of(parameter);
  sent_.add(id, v3_cpp_obj(controller_)->plain_parameter_to_normalised(controller_, id, value));
}

double Vst3Host::get(int parameter) const {
  const v3_param_id id = id_of(parameter);
  const double normalised = parameters_[static_cast<std::size_t>(parameter)].output
                                ? outputs_[static_cast<std::size_t>(parameter)]
                                : v3_cpp_obj(controller_)->get_parameter_normalised(controller_, id);
  return v3_cpp_obj(controller_)->normalised_parameter_to_plain(controller_, id, normalised);
}

void Vst3Host::set_program(double normalised) {
  if (v3_cpp_obj(controller_)->set_parameter_normalised(controller_, program_, normalised) != V3_OK)
    throw std::runtime_error("the VST3 plug-in refused a program");
}

std::string Vst3Host::save_in_parts(std::size_t part) {
  MemoryStream stream(part);
  if (v3_cpp_obj(component_)->get_state(component_, stream.object()) != V3_OK)
    throw std::runtime_error("the VST3 plug-in did not save its state");
  return stream.taken();
}

bool Vst3Host::restore_in_parts(const std::string& state, std::size_t part) {
  MemoryStream stream(part, state);
  return v3_cpp_obj(component_)->set_state(component_, stream.object()) == V3_OK;
}

/// VST3 knows no text: what the interface would set goes by a state with another value in it.
void Vst3Host::process(const float* const* in, float* const* out, int frames) {
  v3_audio_bus_buffers input{}, output{};
  input.num_channels = inputs();
  input.channel_buffers_32 = const_cast<float**>(in);
  output.num_channels = 2;
  output.channel_buffers_32 = const_cast<float**>(out);
  v3_process_data data{};
  data.process_mode = V3_REALTIME;
  data.symbolic_sample_size = V3_SAMPLE_32;
  data.nframes = frames;
  data.num_input_buses = data.num_output_buses = 1;
  data.inputs = &input;
  data.outputs = &output;
  data.input_params = sent_.object();
  data.output_params = told_.object();
  v3_cpp_obj(processor_)->process(processor_, &data);
  sent_.clear();
  told_.each([this](v3_param_id id, double value) {
    const auto at = std::find(ids_.begin(), ids_.end(), id);
    if (at != ids_.end()) outputs_[static_cast<std::size_t>(at - ids_.begin())] = value;
  });
  told_.clear();
}

std::unique_ptr<HostedPlugin> open_vst3(const std::string& file) {
  return std::make_unique<Vst3Host>(std::make_shared<const Vst3Library>(file));
}

}  // namespace diffverb::hosts
