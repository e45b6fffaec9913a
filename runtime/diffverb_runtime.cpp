#include "runtime/diffverb_runtime.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/engine.h"
#include "runtime/live/live_reverb.h"
#include "runtime/live/path_text.h"
#include "runtime/weights.h"

namespace runtime = diffverb::runtime;

struct diffverb_model {
  std::shared_ptr<const runtime::Model> model;
  runtime::Engine engine;
};

struct diffverb_reverb {
  runtime::LiveReverb reverb;
};

namespace {

/// Returns 0 for no reason, else 1 with as much of it as there is room for.
int report(std::string_view reason, char* error, std::size_t size) {
  if (reason.empty()) return 0;
  if (!error || size == 0) return 1;
  std::size_t length = std::min(reason.size(), size - 1);
  // Not through the middle of a character.
  while (length > 0 && length < reason.size() && (static_cast<unsigned char>(reason[length]) & 0xc0u) == 0x80u)
    --length;
  std::memcpy(error, reason.data(), length);
  error[length] = '\0';
  return 1;
}

/// What action() returns, a reason; what it throws is one.
template <typename Action>
std::string reason_of(Action action) {
  try {
    return action();
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

extern "C" {

diffverb_model* diffverb_model_open(const char* path, char* error, std::size_t size) {
  std::unique_ptr<diffverb_model> opened;
  const std::string reason = reason_of([&]() -> std::string {
    if (!path) return "no path";
    runtime::LoadResult loaded = runtime::load_model(runtime::path_of(path));
    if (!loaded) return loaded.error;
    auto made = std::make_unique<diffverb_model>();
    made->model = std::move(loaded.model);
    std::string refused = made->engine.prepare(made->model, made->model->sample_rate_hz());
    if (refused.empty()) opened = std::move(made);
    return refused;
  });
  report(reason, error, size);
  return opened.release();
}

void diffverb_model_close(diffverb_model* model) { delete model; }

double diffverb_model_rate_hz(const diffverb_model* model) { return model ? model->model->sample_rate_hz() : 0; }

int diffverb_model_inputs(const diffverb_model* model) { return model ? model->model->inputs() : 0; }

int diffverb_model_outputs(const diffverb_model* model) { return model ? model->model->outputs() : 0; }

void diffverb_model_process(diffverb_model* model, const float* const* in, float* const* out, int frames) {
  if (model && frames > 0) model->engine.process(in, out, frames);
}

void diffverb_model_reset(diffverb_model* model) {
  if (model) model->engine.reset();
}

diffverb_reverb* diffverb_reverb_new(void) {
  std::unique_ptr<diffverb_reverb> made;
  reason_of([&] {
    made = std::make_unique<diffverb_reverb>();
    return std::string();
  });
  return made.release();
}

void diffverb_reverb_free(diffverb_reverb* reverb) { delete reverb; }

int diffverb_reverb_prepare(diffverb_reverb* reverb, double rate_hz, int inputs, int outputs, char* error,
                            std::size_t size) {
  return report(reason_of([&] { return reverb ? reverb->reverb.prepare(rate_hz, inputs, outputs) : "no reverb"; }),
                error, size);
}

int diffverb_reverb_load(diffverb_reverb* reverb, const char* path, char* error, std::size_t size) {
  return report(
      reason_of([&] { return reverb && path ? reverb->reverb.load(runtime::path_of(path)) : "no reverb or path"; }),
      error, size);
}

int diffverb_reverb_match(diffverb_reverb* reverb, const char* response, char* error, std::size_t size) {
  return report(reason_of([&] {
                  return reverb && response ? reverb->reverb.match(runtime::path_of(response)) : "no reverb or path";
                }),
                error, size);
}

void diffverb_reverb_process(diffverb_reverb* reverb, const float* const* in, float* const* out, int frames) {
  if (reverb && frames > 0) reverb->reverb.process(in, out, frames);
}

void diffverb_reverb_reset(diffverb_reverb* reverb) {
  if (reverb) reverb->reverb.reset();
}

void diffverb_reverb_settle(diffverb_reverb* reverb) {
  reason_of([&] {
    if (reverb) reverb->reverb.settle();
    return std::string();
  });
}

int diffverb_control_count(void) { return static_cast<int>(runtime::controls().size()); }

int diffverb_control_at(int number, diffverb_control* control) {
  if (number < 0 || number >= diffverb_control_count() || !control) return 1;
  const runtime::ControlInfo& info = runtime::controls()[static_cast<std::size_t>(number)];
  *control = {info.id, info.name, info.unit, info.help, info.lowest, info.highest, info.initial};
  return 0;
}

int diffverb_reverb_set(diffverb_reverb* reverb, const char* id, double value) {
  const auto control = id ? runtime::find_control(id) : std::nullopt;
  if (!reverb || !control) return 1;
  reverb->reverb.set(*control, value);
  return 0;
}

int diffverb_reverb_set_at(diffverb_reverb* reverb, int number, double value) {
  if (!reverb || number < 0 || number >= diffverb_control_count()) return 1;
  reverb->reverb.set(static_cast<runtime::Control>(number), value);
  return 0;
}

int diffverb_reverb_get(const diffverb_reverb* reverb, const char* id, double* value) {
  const auto control = id ? runtime::find_control(id) : std::nullopt;
  if (!reverb || !control || !value) return 1;
  *value = reverb->reverb.get(*control);
  return 0;
}

}  // extern "C"
