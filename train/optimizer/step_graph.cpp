#include "train/optimizer/step_graph.h"

#include <exception>
#include <string>

#include "core/device/device.h"
#include "core/device/operator_watch.h"
#include "core/device/precision.h"
#include "core/log.h"

namespace diffverb {

bool StepGraph::place(const Response& target) {
  const at::NoGradGuard no_grad;
  if (!placed_) {
    if (!target.names().empty()) place_ = Response(target.sample_rate_hz());
    for (const std::string& name : target.names()) place_.set(name, target.get(name).detach().clone());
    placed_ = true;
    return true;
  }
  if (target.names() != place_.names()) return false;
  if (target.names().empty()) return true;  // a step on one target that its losses were prepared for
  if (target.sample_rate_hz() != place_.sample_rate_hz()) return false;
  for (const std::string& name : target.names()) {
    const at::Tensor &from = target.get(name), &to = place_.get(name);
    if (from.sizes() != to.sizes() || from.scalar_type() != to.scalar_type()) return false;
  }
  for (const std::string& name : target.names()) copy_without_waiting(place_.get(name), target.get(name));
  return true;
}

void StepGraph::record() {
  auto graph = cuda_module()->make_graph();
  const OperatorWatch watch;
  set_may_read_from_device(false);
  try {
    graph->capture([&] { values_ = step_(place_); });
    graph_ = std::move(graph);
  } catch (const std::exception& error) {
    gave_up_ = true;
    const std::string why = error.what();
    const std::string what = watch.failed().empty() ? "the step" : "the step's " + watch.failed();
    log().warning("no CUDA graph: " + what + " cannot be recorded (" + why.substr(0, why.find('\n')) +
                  "); it goes on launch by launch");
  }
  set_may_read_from_device(true);
}

at::Tensor StepGraph::run(const Response& target) {
  if (gave_up_ || !cuda_module()) return step_(target);
  if (!place(target)) return step_(target);  // a batch of another size
  if (steps_ < kWarmUpSteps) {
    ++steps_;
    return step_(place_);
  }
  if (!graph_) record();
  if (gave_up_) return step_(place_);
  graph_->replay();
  return values_.clone();
}

}  // namespace diffverb
