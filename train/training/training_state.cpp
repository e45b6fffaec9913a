#include "train/training/training_state.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "train/training/distributed.h"

namespace diffverb {
namespace {

using Json = nlohmann::json;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

double number_from(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::infinity() : value.get<double>();
}

}  // namespace

TrainingState::TrainingState(Model& m, const AdamOptions& options, double ema_decay)
    : model(m), parameters(m), adam(parameters, options) {
  if (ema_decay > 0) ema.emplace(parameters, m.buffers(), ema_decay);
}

std::string TrainingState::numbers() const {
  Json out{{"step", step},
           {"last_loss", number_or_null(last_loss)},
           {"best", number_or_null(best)},
           {"best_step", best_step},
           {"validated_step", validated_step},
           {"bad_validations", bad_validations},
           {"course", {course.factor, number_or_null(course.best), course.bad}}};
  if (!gradient_norms.empty()) out["gradient_norms"] = gradient_norms;
  return out.dump();
}

void TrainingState::set_numbers(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    step = json.at("step").get<std::int64_t>();
    last_loss = number_from(json.at("last_loss"));
    best = number_from(json.at("best"));
    best_step = json.at("best_step").get<std::int64_t>();
    validated_step = json.at("validated_step").get<std::int64_t>();
    bad_validations = json.at("bad_validations").get<std::int64_t>();
    course.factor = json.at("course").at(0).get<double>();
    course.best = number_from(json.at("course").at(1));
    course.bad = json.at("course").at(2).get<std::int64_t>();
    gradient_norms = json.value("gradient_norms", std::vector<double>{});
  } catch (const Json::exception& error) {
    throw DataError(std::string("checkpoint: the text 'state' is not what a trainer wrote: ") + error.what());
  }
  adam.set_steps(step);
}

Checkpoint TrainingState::to_checkpoint(const std::string& config, const Place& place) const {
  Checkpoint out;
  auto& self = const_cast<TrainingState&>(*this);
  for (const auto& entry : parameters.entries()) {
    const std::int64_t bad = first_bad_index(entry.parameter);
    if (bad >= 0)
      throw NumericError("step " + std::to_string(step) + ": the parameter " + entry.name +
                         " is not a number at index " + std::to_string(bad) + "; the last checkpoint is unharmed");
    out.tensors["parameter." + entry.name] = entry.parameter.detach();
    out.tensors["first." + entry.name] = parameters.view(self.adam.first()[entry.buffer], entry);
    out.tensors["second." + entry.name] = parameters.view(self.adam.second()[entry.buffer], entry);
    if (ema) out.tensors["ema." + entry.name] = parameters.view(self.ema->averages()[entry.buffer], entry);
  }
  for (const auto& [name, tensor] : model.buffers()) out.tensors["buffer." + name] = tensor.detach();
  if (ema) {
    for (const auto& [name, average] : self.ema->buffer_averages()) out.tensors["ema_buffer." + name] = average;
  }
  out.tensors["rng"] = at::detail::getDefaultCPUGenerator().get_state();
  Json state = Json::parse(numbers());
  if (place.steps_per_epoch > 0) {
    state["epoch"] = step / place.steps_per_epoch;
    state["step_in_epoch"] = step % place.steps_per_epoch;
    state["batch_size"] = place.batch_size;
  }
  state["ranks"] = place.ranks;
  out.texts["kind"] = "diffverb-checkpoint";
  out.texts["state"] = state.dump();
  if (!config.empty()) out.texts["config"] = config;
  return out;
}

void TrainingState::from_checkpoint(const Checkpoint& checkpoint) {
  for (const auto& entry : parameters.entries()) {
    checkpoint.copy_to("parameter." + entry.name, entry.parameter);
    checkpoint.copy_to("first." + entry.name, parameters.view(adam.first()[entry.buffer], entry));
    checkpoint.copy_to("second." + entry.name, parameters.view(adam.second()[entry.buffer], entry));
    if (ema) checkpoint.copy_to("ema." + entry.name, parameters.view(ema->averages()[entry.buffer], entry));
  }
  for (const auto& [name, tensor] : model.buffers()) checkpoint.copy_to("buffer." + name, tensor);
  if (ema) {
    for (const auto& [name, average] : ema->buffer_averages()) checkpoint.copy_to("ema_buffer." + name, average);
  }
  at::Generator(at::detail::getDefaultCPUGenerator()).set_state(checkpoint.tensor("rng"));
  set_numbers(checkpoint.text("state"));
}

void TrainingState::broadcast(Distributed& ranks) {
  const auto all = [&](std::vector<at::Tensor>& tensors) {
    for (at::Tensor& tensor : tensors) ranks.broadcast(tensor);
  };
  for (const auto& buffer : parameters.buffers()) {
    at::Tensor values = buffer.values;
    ranks.broadcast(values);
  }
  all(adam.first());
  all(adam.second());
  if (ema) all(ema->averages());
  const at::NoGradGuard no_grad;
  const auto all_named = [&](const std::map<std::string, at::Tensor>& tensors) {
    for (const auto& [name, tensor] : tensors) {
      at::Tensor copy = tensor.contiguous();
      ranks.broadcast(copy);
      at::Tensor(tensor).copy_(copy);
    }
  };
  all_named(model.buffers());
  if (ema) all_named(ema->buffer_averages());
  set_numbers(ranks.broadcast(numbers()));
}

void load_weights(const Checkpoint& checkpoint, Model& model) {
  for (const auto& [name, tensor] : model.parameters()) {
    const bool averaged = checkpoint.tensors.count("ema." + name) > 0;
    checkpoint.copy_to((averaged ? "ema." : "parameter.") + name, tensor);
  }
  for (const auto& [name, tensor] : model.buffers()) {
    const bool averaged = checkpoint.tensors.count("ema_buffer." + name) > 0;
    checkpoint.copy_to((averaged ? "ema_buffer." : "buffer.") + name, tensor);
  }
}

}  // namespace diffverb
