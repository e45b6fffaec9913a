#include "train/training/training_loop.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/device/device.h"
#include "core/device/precision.h"
#include "core/error.h"
#include "core/log.h"
#include "core/seed.h"
#include "train/stop.h"
#include "train/training/distributed.h"

namespace diffverb {
namespace {

constexpr const char* kBadResponse =
    "; the last checkpoint is unharmed; diffverb data check FILE finds all such responses";

/// What is wrong with a response is said by the data set, where in the run it was met by this.
Batch next_from(Loader& loader, const std::string& where) {
  try {
    return loader.next();
  } catch (const DataError& error) {
    throw DataError(where + ": " + error.what() + kBadResponse);
  }
}

}  // namespace

TrainingLoop::TrainingLoop(const Trainer& trainer, const Trainer::Job& job)
    : trainer_(trainer),
      job_(job),
      term_names_(term_names(job.losses)),
      schedule_(trainer.schedule_),
      state_(job.model, trainer.adam_, trainer.ema_decay_),
      balance_(trainer.balance_steps_, job.losses, state_.gradient_norms),
      total_(trainer.total_steps(job.training)) {
  if (on_gpu(job.device) && trainer.graph_) {
    if (job.ranks) {
      log().info("no CUDA graph: gradients are summed over " + std::to_string(job.ranks->size()) +
                 " processes while the step runs");
    } else {
      graph_ = std::make_unique<StepGraph>([this](const Response& target) { return compute(target); });
    }
  }
  if (job.ranks) buckets_ = std::make_unique<GradientBuckets>(state_.parameters, *job.ranks);
  if (job.folder) checkpoints_ = std::make_unique<Checkpoints>(job.folder->path(), trainer.keep_);
}

std::int64_t TrainingLoop::log_every() const {
  return trainer_.log_every_ > 0 ? trainer_.log_every_ : (on_gpu(job_.device) ? 10 : 1);
}

bool TrainingLoop::writes() const { return job_.folder && (!job_.ranks || job_.ranks->rank() == 0); }

std::map<std::string, double> TrainingLoop::terms_of(const double* values) const {
  std::map<std::string, double> terms;
  for (std::size_t i = 0; i < term_names_.size(); ++i) terms[term_names_[i]] = values[i];
  return terms;
}

Batch TrainingLoop::next_batch() {
  const auto asked = Clock::now();
  Batch batch = next_from(*job_.training, "step " + std::to_string(state_.step));
  waited_s_ += std::chrono::duration<double>(Clock::now() - asked).count();
  check_batch(batch);
  return batch;
}

void TrainingLoop::check_batch(const Batch& batch) const {
  if (at::isfinite(batch.ir).all().item<bool>()) return;
  const std::int64_t bad = first_bad_index(batch.ir), length = batch.ir.numel() / batch.ir.size(0);
  const std::int64_t index = batch.indices.at(static_cast<std::size_t>(bad / length));
  throw DataError("step " + std::to_string(state_.step) + ": " + job_.data->describe(Split::kTrain, index) +
                  ": sample " + std::to_string(bad % length) + " is not a number" + kBadResponse);
}

Response TrainingLoop::make_features(const Batch& batch) const {
  const bool on_cpu = job_.model.has_features_on_cpu();
  Response target(on_cpu ? batch.ir : to_device(batch.ir, job_.device), job_.data->sample_rate_hz());
  job_.model.add_features(target);
  for (const std::string& name : target.names()) target.set(name, to_device(target.get(name), job_.device));
  return target;
}

Response TrainingLoop::make_target(const Batch& batch) const {
  const Response target = make_features(batch);
  for (const WeightedLoss& loss : job_.losses) loss.loss->prepare(target);
  return target;
}

/// The model's answer; what the losses read is in the target's precision again.
Response TrainingLoop::forward(const Response& target) const {
  if (!job_.device.is_cuda()) return job_.model.forward(target);
  const Autocast autocast(job_.device, trainer_.precision_);
  Response response = job_.model.forward(target);
  for (const std::string& name : response.names()) {
    const at::Tensor& tensor = response.get(name);
    if (tensor.scalar_type() == at::kBFloat16) response.set(name, tensor.to(at::kFloat));
  }
  return response;
}

at::Tensor TrainingLoop::step() {
  Response target;
  if (job_.training) {
    batch_ = next_batch();
    // What a model draws at random depends on the step and the rank.
    const int rank = job_.ranks ? job_.ranks->rank() : 0;
    job_.model.set_seed(
        derive_seed(job_.seed, "step " + std::to_string(state_.step) + " rank " + std::to_string(rank)));
    job_.model.set_training(true);
    target = make_features(batch_);
  }
  state_.adam.set_rate(schedule_.rate_at(state_.step, total_));
  if (state_.ema) state_.ema->set_step(state_.step + 1);
  return graph_ && !balance_.measures(state_.step) ? graph_->run(target) : compute(target);
}

Summed TrainingLoop::sum_losses(const Response& response, bool training) {
  const Evaluated evaluated = evaluate_losses(job_.losses, response);
  if (training) balance_.measure(state_.step, evaluated.losses, state_.parameters, job_.ranks);
  return weighted_sum(job_.losses, evaluated, balance_.factors());
}

/// What a step does on the device: may be recorded, so nothing here depends on the step but through tensors.
at::Tensor TrainingLoop::compute(const Response& target) {
  const bool look = log_every() == 1 && !on_gpu(job_.device);  // on a GPU the losses are read after the step
  state_.parameters.zero_gradients();
  if (job_.training) {
    for (const WeightedLoss& loss : job_.losses) loss.loss->prepare(target);
  }
  const Response response = forward(target);
  const Summed evaluated = sum_losses(response, /*training=*/true);
  // Losses are means over the batch: the mean over the ranks is the mean over the whole batch.
  const at::Tensor total = job_.ranks ? evaluated.total / job_.ranks->size() : evaluated.total;
  if (look && !std::isfinite(evaluated.values[-1].item<double>()))
    refuse_loss({state_.step, 0, {}, batch_.indices}, evaluated.values);
  if (buckets_) buckets_->begin();
  total.backward();
  if (buckets_) buckets_->finish();
  const at::Tensor norm = state_.adam.apply();
  if (look && !std::isfinite(norm.item<double>())) refuse_gradient(state_.step);
  if (state_.ema) state_.ema->apply();
  return at::cat({evaluated.values, norm.reshape({1}).to(evaluated.values.device())});
}

void TrainingLoop::refuse_gradient(std::int64_t step) {
  throw NumericError("step " + std::to_string(step) + ": the gradient of " + state_.parameters.first_bad_gradient() +
                     "; the last checkpoint is unharmed");
}

void TrainingLoop::refuse_loss(const Pending& pending, const at::Tensor& values) {
  const at::Tensor host = values.cpu();
  std::string terms;
  for (const auto& [name, value] : terms_of(host.const_data_ptr<double>()))
    terms += (terms.empty() ? "" : ", ") + name + " " + std::to_string(value);
  const std::string where = pending.indices.empty() ? "" : ", with " + blamed_responses(pending.indices);
  throw NumericError("step " + std::to_string(pending.step) + where + ": the loss is not a number (" + terms +
                     "); the last checkpoint is unharmed");
}

/// The responses of a batch whose own loss is not a number, or all of them.
std::string TrainingLoop::blamed_responses(const std::vector<std::int64_t>& indices) {
  const at::NoGradGuard no_grad;
  job_.model.set_training(false);
  std::string all, bad;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::string name = job_.data->describe(Split::kTrain, indices[i]);
    all += (all.empty() ? "" : "; ") + name;
    if (indices != batch_.indices) continue;
    const auto row = static_cast<std::int64_t>(i);
    const Response target = make_target({batch_.ir.narrow(0, row, 1), {indices[i]}});
    const double value = sum_losses(forward(target), false).values[-1].item<double>();
    if (!std::isfinite(value)) bad += (bad.empty() ? "" : "; ") + name;
  }
  return bad.empty() ? all : bad;
}

/// Means over the ranks, and what the ranks have agreed on: to stop, to save.
at::Tensor TrainingLoop::exchange(at::Tensor values) {
  const bool late = std::chrono::duration<double>(Clock::now() - saved_).count() >= trainer_.checkpoint_every_s_;
  flags_ = {stop_requested(), late};
  if (!job_.ranks) return values;
  if (values.is_cuda()) job_.ranks->wait_for_gpu();
  const at::Tensor flags =
      at::tensor({flags_.stop ? 1.0 : 0.0, flags_.save && job_.ranks->rank() == 0 ? 1.0 : 0.0}, at::kDouble);
  at::Tensor all = at::cat({values.cpu().narrow(0, 0, values.size(0) - 1) / job_.ranks->size(), flags});
  job_.ranks->sum_in_place(all);
  flags_ = {all[-2].item<double>() > 0, all[-1].item<double>() > 0};
  return at::cat({all.narrow(0, 0, values.size(0) - 1), values.cpu().narrow(0, values.size(0) - 1, 1)});
}

void TrainingLoop::note(const Pending& pending) {
  const at::Tensor host = pending.values.cpu().contiguous();
  const double* values = host.const_data_ptr<double>();
  const std::size_t count = term_names_.size();
  const double loss = values[count], norm = values[count + 1];
  if (!std::isfinite(loss)) refuse_loss(pending, host);
  if (!std::isfinite(norm) && pending.step + 1 == state_.step) refuse_gradient(pending.step);  // it still stands there
  if (!std::isfinite(norm))
    throw NumericError("step " + std::to_string(pending.step) + ": the gradient is not a number (read every " +
                       std::to_string(log_every()) +
                       " steps: train.log_every=1 says where); the last checkpoint is unharmed");
  state_.last_loss = loss;
  const bool settled = !balance_.measures(pending.step + 1);  // until then the sum's scale changes
  if (trainer_.kind_ == Trainer::Kind::kOneTarget && settled && loss < state_.best * (1 - trainer_.min_improvement_)) {
    state_.best = loss;
    state_.best_step = pending.step;
  }
  if (!records_) return;
  const std::int64_t epoch = job_.training ? pending.step / job_.training->steps_per_epoch() : -1;
  records_->step({pending.step, epoch, loss, pending.rate, norm, terms_of(values)});
}

double TrainingLoop::log_data_wait() {
  const double span_s = std::chrono::duration<double>(Clock::now() - logged_).count();
  const double share = span_s > 0 ? (waited_s_ - waited_at_log_s_) / span_s : 0;
  if (!records_ || !job_.training || span_s < 1) return share;
  char text[48];
  std::snprintf(text, sizeof text, "data wait %.1f %%", 100 * share);
  if (progress_) progress_->set_note(text);
  records_->events().scalar("data_wait_share", share, state_.step);
  records_->events().scalar(
      "examples_per_s", static_cast<double>((state_.step - logged_step_) * trainer_.batch_size_) / span_s, state_.step);
  logged_ = Clock::now();
  logged_step_ = state_.step;
  waited_at_log_s_ = waited_s_;
  return share;
}

void TrainingLoop::flush_pending() {
  for (const Pending& pending : pending_) note(pending);
  if (progress_ && !pending_.empty()) progress_->update(pending_.back().step + 1, state_.last_loss);
  if (job_.on_step && !pending_.empty()) job_.on_step(pending_.back().step + 1, total_);
  pending_.clear();
}

TrainingState::Place TrainingLoop::place() const {
  return {job_.training ? job_.training->steps_per_epoch() : 0, job_.ranks ? job_.ranks->size() : 1,
          trainer_.batch_size_};
}

void TrainingLoop::save() {
  flush_pending();
  saved_ = Clock::now();
  if (!writes()) return;
  if (records_) records_->flush();  // what a resumed run counts on to be there
  state_.course = schedule_.state();
  checkpoints_->save(checkpoint(), state_.step);
}

Checkpoint TrainingLoop::checkpoint() const {
  Checkpoint out = state_.to_checkpoint(job_.config, place());
  if (!job_.data_identity.empty()) out.texts["data"] = job_.data_identity;
  return out;
}

void TrainingLoop::resume() {
  if (!job_.ranks || job_.ranks->rank() == 0) state_.from_checkpoint(checkpoints_->load_newest());
}

void TrainingLoop::begin() {
  started_ = saved_ = logged_ = Clock::now();
  if (job_.resume) resume();
  if (job_.ranks) state_.broadcast(*job_.ranks);
  first_step_ = state_.step;
  schedule_.set_state(state_.course);
  logged_step_ = state_.step;
  if (job_.training)
    job_.training->start(state_.step / job_.training->steps_per_epoch(),
                         state_.step % job_.training->steps_per_epoch());
  if (!writes()) return;
  if (!job_.resume) save();  // from the first moment on there is something to resume from
  records_ = std::make_unique<TrainingRecords>(*job_.folder, state_.step, state_.validated_step, job_.resume);
  if (job_.on_step) return job_.on_step(state_.step, total_);
  progress_ = std::make_unique<Progress>(Progress::Options{.title = job_.title, .total = total_, .first = state_.step});
}

bool TrainingLoop::validation_due() const {
  if (!job_.validation || state_.step == 0 || state_.validated_step == state_.step) return false;
  const std::int64_t every = trainer_.validate_every_ > 0 ? trainer_.validate_every_ : job_.training->steps_per_epoch();
  return state_.step % every == 0 || state_.step >= total_;
}

/// Means over the validation examples of all ranks; nothing where a signal came in between.
std::optional<LossValues> TrainingLoop::validation_losses() {
  const at::NoGradGuard no_grad;
  job_.model.set_training(false);
  job_.validation->start(0, 0);
  at::Tensor sums = at::zeros({static_cast<std::int64_t>(term_names_.size()) + 2}, at::kDouble);
  for (std::int64_t k = 0; k < job_.validation->steps_per_epoch(); ++k) {
    if (!job_.ranks && stop_requested()) return std::nullopt;
    const Batch batch = next_from(*job_.validation, "validation after step " + std::to_string(state_.step));
    if (batch.indices.empty()) continue;  // the rest of the set has gone to other ranks
    const Response target = make_target(batch);
    const Response output = forward(target);
    const auto examples = static_cast<double>(batch.ir.size(0));
    const auto values = sum_losses(output, false).values.cpu();
    sums += at::cat({values * examples, at::full({1}, examples, at::kDouble)});
    if (k == 0 && writes() && job_.show) job_.show(records_->events(), target, output, state_.step);
  }
  if (job_.ranks) job_.ranks->sum_in_place(sums);
  const double examples = sums[-1].item<double>();
  LossValues out;
  for (std::int64_t i = 0; i + 1 < sums.size(0); ++i) out.push_back(sums[i].item<double>() / examples);
  return out;
}

/// False where a signal broke it off: it will be made when the run goes on.
bool TrainingLoop::validate() {
  flush_pending();
  if (state_.ema) state_.ema->swap();
  std::optional<LossValues> losses;
  try {
    losses = validation_losses();
  } catch (...) {
    if (state_.ema) state_.ema->swap();
    throw;
  }
  if (state_.ema) state_.ema->swap();
  if (losses) take_validation(*losses);
  return losses.has_value();
}

void TrainingLoop::take_validation(const LossValues& losses) {
  const double loss = losses.back();
  if (!std::isfinite(loss))
    throw NumericError("validation after step " + std::to_string(state_.step) +
                       ": the loss is not a number; the last checkpoint is unharmed");
  schedule_.observe(loss);
  state_.course = schedule_.state();
  state_.validated_step = state_.step;
  const bool better = loss < state_.best * (1 - trainer_.min_improvement_) || !std::isfinite(state_.best);
  state_.bad_validations = better ? 0 : state_.bad_validations + 1;
  if (better) {
    state_.best = loss;
    state_.best_step = state_.step;
  }
  if (!writes()) return;
  if (better) checkpoints_->save_best(checkpoint());
  records_->validation(state_.step, loss, terms_of(losses.data()));
  char text[96];
  std::snprintf(text, sizeof text, "step %lld: validation loss %.5g%s", static_cast<long long>(state_.step), loss,
                better ? ", the best so far" : "");
  log().info(text);
}

bool TrainingLoop::no_longer_improving() const {
  if (trainer_.patience_ == 0) return false;
  if (trainer_.kind_ == Trainer::Kind::kOneTarget) return state_.step - state_.best_step > trainer_.patience_;
  return state_.bad_validations >= trainer_.patience_;
}

Trainer::Outcome TrainingLoop::run() {
  const StopOnSignal guard;
  begin();
  while (true) {
    if (validation_due() && !validate()) flags_.stop = true;
    if (state_.step >= total_) break;
    if (flags_.stop || (!job_.ranks && stop_requested())) {
      outcome_.stopped = true;
      break;
    }
    if (no_longer_improving()) {
      outcome_.stopped_improving = true;
      break;
    }
    const double rate = schedule_.rate_at(state_.step, total_);
    const at::Tensor values = exchange(step());
    pending_.push_back({state_.step, rate, values, batch_.indices});
    ++state_.step;
    if (state_.step % log_every() == 0) flush_pending();
    log_data_wait();
    if (flags_.save || (trainer_.checkpoint_every_steps_ > 0 && state_.step % trainer_.checkpoint_every_steps_ == 0))
      save();
  }
  flush_pending();
  if (progress_) progress_->finish();
  save();
  if (records_) records_->flush();
  if (job_.ranks) job_.ranks->barrier();
  outcome_.steps = state_.step;
  outcome_.steps_here = state_.step - first_step_;
  outcome_.last_loss = state_.last_loss;
  outcome_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  outcome_.data_wait_share = outcome_.seconds > 0 ? waited_s_ / outcome_.seconds : 0;
  outcome_.best_validation =
      job_.validation && std::isfinite(state_.best) ? state_.best : std::numeric_limits<double>::quiet_NaN();
  return outcome_;
}

}  // namespace diffverb
