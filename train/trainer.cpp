#include "train/trainer.h"

#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "train/checkpoint.h"
#include "train/stop.h"
#include "train/tensorboard.h"

namespace diffverb {

struct Trainer::State {
  struct Moments {
    std::string name;
    torch::Tensor parameter, first, second;
    double scale = 1;
  };
  std::vector<Moments> parameters;
  std::int64_t step = 0;  // steps made
  double best = std::numeric_limits<double>::infinity();
  std::int64_t best_step = 0;
};

struct Trainer::Evaluation {
  double value = 0;
  nlohmann::json terms;
};

namespace {

constexpr const char* kCheckpoint = "checkpoint.safetensors";
constexpr const char* kLosses = "losses.jsonl";

/// The first element that is not finite, for a message.
std::int64_t first_bad_index(const torch::Tensor& tensor) {
  const auto bad = torch::isfinite(tensor.reshape({-1})).logical_not().nonzero();
  return bad.size(0) > 0 ? bad[0].item<std::int64_t>() : -1;
}

/// Keeps the lines of the steps before `step`: a resumed run says each step once.
void trim_losses(const std::filesystem::path& path, std::int64_t step) {
  std::ifstream in(path);
  std::string kept, line;
  while (std::getline(in, line)) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("step", std::int64_t{0}) < step) kept += line + "\n";
  }
  in.close();
  std::ofstream(path, std::ios::trunc) << kept;
}

}  // namespace

std::vector<WeightedLoss> read_losses(Fields& fields, const std::string& key) {
  std::vector<WeightedLoss> losses;
  for (Fields& entry : fields.list(key)) {
    WeightedLoss loss;
    entry.optional("weight", loss.weight, at_least(0));
    entry.required("type", loss.name);
    loss.loss = family<Loss>().make(entry);
    losses.push_back(std::move(loss));
  }
  return losses;
}

Trainer::Trainer(Fields& f) {
  f.optional("steps", steps_, between(0, 1e7));
  f.optional("rate", rate_, above(0));
  f.optional("warmup_steps", warmup_steps_, at_least(1));
  f.optional("end_share", end_share_, between(0, 1));
  f.optional("beta1", beta1_, {.min = 0, .max = 1, .max_open = true});
  f.optional("beta2", beta2_, {.min = 0, .max = 1, .max_open = true});
  f.optional("epsilon", epsilon_, above(0));
  f.optional("patience", patience_, at_least(0), "steps");
  f.optional("min_improvement", min_improvement_, at_least(0));
  f.optional("checkpoint_every_s", checkpoint_every_s_, at_least(0), "s");
}

double Trainer::rate_at(std::int64_t step) const {
  const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_steps_));
  const double share = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(steps_, 1));
  return rate_ * warm * (end_share_ + (1 - end_share_) * 0.5 * (1 + std::cos(std::numbers::pi * share)));
}

void Trainer::update(State& state) const {
  torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(state.step + 1);
  const double correction1 = 1 - std::pow(beta1_, t), correction2 = 1 - std::pow(beta2_, t);
  for (auto& p : state.parameters) {
    const torch::Tensor& gradient = p.parameter.grad();
    if (!gradient.defined()) continue;
    if (!torch::isfinite(gradient).all().item<bool>()) {
      throw NumericError("step " + std::to_string(state.step) + ": the gradient of " + p.name +
                         " is not a number at index " + std::to_string(first_bad_index(gradient)) +
                         "; the last checkpoint is unharmed");
    }
    p.first.mul_(beta1_).add_(gradient, 1 - beta1_);
    p.second.mul_(beta2_).addcmul_(gradient, gradient, 1 - beta2_);
    const auto denominator = (p.second / correction2).sqrt_().add_(epsilon_);
    p.parameter.addcdiv_(p.first, denominator, -rate_at(state.step) * p.scale / correction1);
  }
}

void Trainer::save(const State& state, const RunFolder& folder) const {
  Checkpoint checkpoint;
  for (const auto& p : state.parameters) {
    checkpoint.tensors["parameter." + p.name] = p.parameter.detach();
    checkpoint.tensors["first." + p.name] = p.first;
    checkpoint.tensors["second." + p.name] = p.second;
  }
  checkpoint.tensors["step"] = torch::tensor({state.step, state.best_step}, torch::kInt64);
  checkpoint.tensors["best"] = torch::tensor({state.best}, torch::kFloat64);
  checkpoint.texts["kind"] = "diffverb-checkpoint";
  save_checkpoint(folder.file(kCheckpoint), checkpoint);
}

void Trainer::load(State& state, const RunFolder& folder) const {
  const Checkpoint checkpoint = load_checkpoint(folder.file(kCheckpoint));
  torch::NoGradGuard no_grad;
  for (auto& p : state.parameters) {
    checkpoint.copy_to("parameter." + p.name, p.parameter);
    checkpoint.copy_to("first." + p.name, p.first);
    checkpoint.copy_to("second." + p.name, p.second);
  }
  state.step = checkpoint.tensor("step")[0].item<std::int64_t>();
  state.best_step = checkpoint.tensor("step")[1].item<std::int64_t>();
  state.best = checkpoint.tensor("best")[0].item<double>();
}

Trainer::State Trainer::start(const Model& model) const {
  State state;
  for (const auto& [name, tensor] : model.parameters()) {
    state.parameters.push_back(
        {name, tensor, torch::zeros_like(tensor), torch::zeros_like(tensor), model.rate_scale(name)});
  }
  return state;
}

Trainer::Evaluation Trainer::step(Model& model, const std::vector<WeightedLoss>& losses, State& state) const {
  for (auto& p : state.parameters) p.parameter.mutable_grad() = torch::Tensor();
  const Response response = model.forward({});
  Evaluation evaluation;
  torch::Tensor total;
  for (const WeightedLoss& loss : losses) {
    const auto value = loss.loss->evaluate(response);
    evaluation.terms[loss.name] = value.item<double>();
    const auto weighted = value * loss.weight;
    total = total.defined() ? total + weighted : weighted;
  }
  evaluation.value = total.item<double>();
  if (!std::isfinite(evaluation.value)) {
    throw NumericError("step " + std::to_string(state.step) + ": the loss is not a number; terms " +
                       evaluation.terms.dump() + "; the last checkpoint is unharmed");
  }
  total.backward();
  update(state);
  return evaluation;
}

double Trainer::pilot(Model& model, const std::vector<WeightedLoss>& losses, std::int64_t steps) const {
  State state = start(model);
  double value = std::numeric_limits<double>::infinity();
  for (; state.step < steps && !stop_requested(); ++state.step) value = step(model, losses, state).value;
  return value;
}

Trainer::Outcome Trainer::run(Model& model, const std::vector<WeightedLoss>& losses, const RunFolder& folder,
                              const std::string& title, bool resume) {
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  auto saved = started;
  const auto seconds_since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  State state = start(model);
  if (resume) load(state, folder);
  if (resume) trim_losses(folder.file(kLosses), state.step);
  if (!resume) save(state, folder);  // from the first moment on there is something to resume from
  std::ofstream lines(folder.file(kLosses), resume ? std::ios::app : std::ios::trunc);
  EventWriter events(folder.path());
  const StopOnSignal guard;
  Progress progress(title, steps_);
  Outcome outcome;
  for (; state.step < steps_; ++state.step) {
    if (stop_requested()) {
      outcome.stopped = true;
      break;
    }
    if (patience_ > 0 && state.step - state.best_step > patience_) break;
    const auto [value, terms] = step(model, losses, state);
    if (state.step == 0) outcome.first_loss = value;
    outcome.last_loss = value;
    if (value < state.best * (1 - min_improvement_)) {
      state.best = value;
      state.best_step = state.step;
    }
    lines
        << nlohmann::json{{"step", state.step}, {"loss", value}, {"terms", terms}, {"rate", rate_at(state.step)}}.dump()
        << std::endl;
    events.scalar("loss", value, state.step);
    for (const auto& [name, term] : terms.items()) events.scalar("terms/" + name, term.get<double>(), state.step);
    progress.update(state.step + 1, value);
    if (seconds_since(saved) >= checkpoint_every_s_) {
      ++state.step;
      save(state, folder);
      --state.step;
      saved = Clock::now();
    }
  }
  progress.finish();
  save(state, folder);
  if (!lines.flush()) throw DataError(folder.file(kLosses).string() + ": cannot be written (is the disk full?)");
  outcome.steps = state.step;
  outcome.seconds = seconds_since(started);
  return outcome;
}

}  // namespace diffverb
