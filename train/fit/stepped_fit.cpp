#include "train/fit/stepped_fit.h"

#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/fields.h"
#include "train/fit/fit.h"

namespace diffverb {

Response fit_target(const at::Tensor& ir, double sample_rate_hz, std::int64_t samples, at::Device device) {
  auto heard = at::zeros({1, ir.size(0), samples});
  const std::int64_t kept = std::min(samples, ir.size(1));
  heard[0].slice(1, 0, kept).copy_(ir.slice(1, 0, kept));
  Response target(heard.to(device), sample_rate_hz);
  target.set("measured_ir", ir.unsqueeze(0));
  return target;
}

SteppedFit::SteppedFit(const std::vector<std::string>& overlays, const at::Tensor& ir, double sample_rate_hz,
                       std::uint64_t seed, at::Device device) {
  Fields fields = Fields::from_text(default_fit_config(), "configs/fdn_fit.yaml (built in)", overlays);
  Fields model = fields.map("model"), train = fields.map("train");
  model_ = std::make_unique<Fdn>(model);
  losses_ = read_losses(fields, "losses");
  trainer_ = std::make_unique<Trainer>(train, Trainer::Kind::kOneTarget);
  model_->design(ir, sample_rate_hz, seed);
  model_->move_to(device);
  const Response target = fit_target(ir, sample_rate_hz, model_->samples(), device);
  for (const WeightedLoss& loss : losses_) loss.loss->prepare(target);
  job_ = std::make_unique<Trainer::Job>(Trainer::Job{*model_, losses_});
  job_->device = device;
  loop_ = std::make_unique<TrainingLoop>(*trainer_, *job_);
}

}  // namespace diffverb
