#include "tests/plugin/clap_host.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "src/clap/ext/gui.h"
#include "src/clap/ext/timer-support.h"

namespace diffverb::hosts {

ClapLibrary::ClapLibrary(const std::string& file) {
  handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) throw std::runtime_error(dlerror());
  entry_ = static_cast<const clap_plugin_entry_t*>(dlsym(handle_, "clap_entry"));
  if (entry_ == nullptr || !entry_->init(file.c_str())) throw std::runtime_error(file + ": no CLAP entry");
  factory_ = static_cast<const clap_plugin_factory_t*>(entry_->get_factory(CLAP_PLUGIN_FACTORY_ID));
}

ClapLibrary::~ClapLibrary() {
  entry_->deinit();
  dlclose(handle_);
}

ClapHost::ClapHost(std::shared_ptr<const ClapLibrary> library) : library_(std::move(library)) {
  host_ = {CLAP_VERSION,
           this,
           "diffverb tests",
           "diffverb",
           "",
           "1",
           host_extension,
           [](const clap_host_t*) {},
           [](const clap_host_t*) {},
           [](const clap_host_t*) {}};
  const clap_plugin_factory_t* factory = library_->factory();
  plugin_ = factory->create_plugin(factory, &host_, factory->get_plugin_descriptor(factory, 0)->id);
  if (plugin_ == nullptr || !plugin_->init(plugin_)) throw std::runtime_error("the CLAP plug-in did not start");
  params_ = extension<clap_plugin_params_t>(CLAP_EXT_PARAMS);
  for (uint32_t i = 0; i < params_->count(plugin_); ++i) {
    clap_param_info_t info;
    params_->get_info(plugin_, i, &info);
    parameters_.push_back(
        {info.module, info.min_value, info.max_value, info.default_value, (info.flags & CLAP_PARAM_IS_READONLY) != 0});
  }
  events_.reserve(1000);
  told_.assign(parameters_.size(), std::nan(""));
  const auto* ports = extension<clap_plugin_audio_ports_t>(CLAP_EXT_AUDIO_PORTS);
  clap_audio_port_info_t port;
  ports->get(plugin_, 0, true, &port);
  inputs_ = static_cast<int>(port.channel_count);
}

/// What an interface needs: to be called again and again, and somebody who hears of its size.
const void* ClapHost::host_extension(const clap_host_t*, const char* id) {
  static const clap_host_timer_support_t timers = {[](const clap_host_t* host, uint32_t, clap_id* timer) {
                                                     auto& all = static_cast<ClapHost*>(host->host_data)->timers_;
                                                     *timer = all.empty() ? 1 : all.back() + 1;
                                                     all.push_back(*timer);
                                                     return true;
                                                   },
                                                   [](const clap_host_t* host, clap_id timer) {
                                                     return std::erase(static_cast<ClapHost*>(host->host_data)->timers_,
                                                                       timer) > 0;
                                                   }};
  static const clap_host_gui_t gui = {[](const clap_host_t*) {},
                                      [](const clap_host_t*, uint32_t, uint32_t) { return true; },
                                      [](const clap_host_t*) { return true; }, [](const clap_host_t*) { return true; },
                                      [](const clap_host_t*, bool) {}};
  if (std::strcmp(id, CLAP_EXT_TIMER_SUPPORT) == 0) return &timers;
  return std::strcmp(id, CLAP_EXT_GUI) == 0 ? &gui : nullptr;
}

void ClapHost::tick() {
  const auto* timer = extension<clap_plugin_timer_support_t>(CLAP_EXT_TIMER_SUPPORT);
  const auto now = timers_;
  for (const clap_id id : now) timer->on_timer(plugin_, id);
}

ClapHost::~ClapHost() { plugin_->destroy(plugin_); }

int ClapHost::inputs() const { return inputs_; }

void ClapHost::activate(double rate_hz, int largest_block) {
  plugin_->activate(plugin_, rate_hz, 1, static_cast<uint32_t>(largest_block));
  plugin_->start_processing(plugin_);
}

void ClapHost::deactivate() {
  plugin_->stop_processing(plugin_);
  plugin_->deactivate(plugin_);
}

void ClapHost::set(int parameter, double value) {
  events_.push_back({{sizeof(clap_event_param_value_t), 0, 0, CLAP_EVENT_PARAM_VALUE, 0},
                     static_cast<clap_id>(parameter),
                     nullptr,
                     -1,
                     -1,
                     -1,
                     -1,
                     value});
}

void ClapHost::send_foreign_events() {
  const auto decay = find("decay");
  for (uint16_t type = 0; type < 20; ++type) {
    set(decay, 3);
    clap_event_header_t& header = events_.back().header;
    header.type = type;
    if (type == CLAP_EVENT_PARAM_VALUE) header.space_id = 7;
  }
  set(decay, 3);
  events_.back().header.size = sizeof(clap_event_header_t);
}

double ClapHost::get(int parameter) const {
  double value = 0;
  params_->get_value(plugin_, static_cast<clap_id>(parameter), &value);
  return value;
}

std::string ClapHost::save_in_parts(std::size_t part) {
  struct Sink {
    std::string text;
    std::size_t part;
  } sink{{}, part};
  const clap_ostream_t stream = {&sink, [](const clap_ostream_t* to, const void* data, uint64_t size) -> int64_t {
                                   auto& at = *static_cast<Sink*>(to->ctx);
                                   const std::size_t now = std::min<std::size_t>(size, at.part);
                                   at.text.append(static_cast<const char*>(data), now);
                                   return static_cast<int64_t>(now);
                                 }};
  const auto* state = extension<clap_plugin_state_t>(CLAP_EXT_STATE);
  if (!state->save(plugin_, &stream)) throw std::runtime_error("the plug-in did not save its state");
  return sink.text;
}

bool ClapHost::restore_in_parts(const std::string& text, std::size_t part) {
  struct From {
    const std::string& text;
    std::size_t at, part;
  } from{text, 0, part};
  const clap_istream_t stream = {
      &from, [](const clap_istream_t* of, void* data, uint64_t size) -> int64_t {
        auto& left = *static_cast<From*>(of->ctx);
        const std::size_t now = std::min({static_cast<std::size_t>(size), left.part, left.text.size() - left.at});
        std::memcpy(data, left.text.data() + left.at, now);
        left.at += now;
        return static_cast<int64_t>(now);
      }};
  const auto* state = extension<clap_plugin_state_t>(CLAP_EXT_STATE);
  return state->load(plugin_, &stream);
}

/// CLAP knows no text: what the interface would set goes by a state with another value in it.
void ClapHost::hear(const clap_event_header_t& event) {
  if (event.type == CLAP_EVENT_PARAM_GESTURE_BEGIN || event.type == CLAP_EVENT_PARAM_GESTURE_END) ++gestures_;
  if (event.type != CLAP_EVENT_PARAM_VALUE) return;
  const auto& moved = reinterpret_cast<const clap_event_param_value_t&>(event);
  told_.at(moved.param_id) = moved.value;
}

void ClapHost::process(const float* const* in, float* const* out, int frames) {
  const clap_audio_buffer_t input = {const_cast<float**>(in), nullptr, static_cast<uint32_t>(inputs_), 0, 0};
  clap_audio_buffer_t output = {const_cast<float**>(out), nullptr, 2, 0, 0};
  const clap_input_events_t events = {
      &events_,
      [](const clap_input_events_t* list) {
        return static_cast<uint32_t>(static_cast<std::vector<clap_event_param_value_t>*>(list->ctx)->size());
      },
      [](const clap_input_events_t* list, uint32_t i) -> const clap_event_header_t* {
        return &(*static_cast<std::vector<clap_event_param_value_t>*>(list->ctx))[i].header;
      }};
  const clap_output_events_t told = {this, [](const clap_output_events_t* list, const clap_event_header_t* event) {
                                       static_cast<ClapHost*>(list->ctx)->hear(*event);
                                       return true;
                                     }};
  clap_process_t process{};
  process.steady_time = -1;
  process.frames_count = static_cast<uint32_t>(frames);
  process.audio_inputs = &input;
  process.audio_outputs = &output;
  process.audio_inputs_count = process.audio_outputs_count = 1;
  process.in_events = &events;
  process.out_events = &told;
  plugin_->process(plugin_, &process);
  events_.clear();
}

std::unique_ptr<HostedPlugin> open_clap(const std::string& file) {
  return std::make_unique<ClapHost>(std::make_shared<const ClapLibrary>(file));
}

}  // namespace diffverb::hosts
