#include "losses/checked_target.h"

#include <algorithm>
#include <span>
#include <sstream>

#include "core/acoustics/preparation.h"
#include "core/device/precision.h"
#include "core/error.h"

namespace diffverb {

const at::Tensor& CheckedTarget::set(const Response& target) {
  const at::Tensor& ir = target.get(of_);
  if ((of_ == "ir" && ir.dim() != 3) || ir.numel() == 0) {
    std::ostringstream message;
    message << loss_ << ": the target's " << of_ << " must be " << (of_ == "ir" ? "[B, C, T], " : "")
            << "none of its sizes 0, got " << ir.sizes();
    throw ContractError(message.str());
  }
  if (ir.scalar_type() != at::kFloat && ir.scalar_type() != at::kDouble)
    throw ContractError(loss_ + ": the target's " + of_ + " must be float32 or float64");
  rate_hz_ = target.sample_rate_hz();
  ir_ = ir.detach();
  return ir_;
}

const at::Tensor& CheckedTarget::set_audible(const Response& target) {
  set(target);
  // While a step is being recorded nobody can look; such a target's loss is then no number, which the trainer finds.
  if (may_read_from_device() && !(ir_.square().sum(-1) > 0).all().item<bool>()) {
    ir_ = at::Tensor();
    throw ContractError(loss_ +
                        ": a channel of the target is silent or not a number; a relative distance to it is undefined");
  }
  return ir_;
}

CheckedTarget::Onsets CheckedTarget::onsets() const {
  const auto rows = ir_.to(at::kCPU, at::kDouble).flatten(0, 1).contiguous();
  const auto length = static_cast<std::size_t>(rows.size(1));
  Onsets out{rows.size(1), 0};
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    const std::span<const double> row(rows.const_data_ptr<double>() + r * rows.size(1), length);
    const auto onset = static_cast<std::int64_t>(acoustics::find_onset(row));
    out.first = std::min(out.first, onset);
    out.last = std::max(out.last, onset);
  }
  return out;
}

const at::Tensor& CheckedTarget::check(const Response& response) const {
  if (!ir_.defined()) throw ContractError(loss_ + ": evaluate() before prepare()");
  const at::Tensor& ir = response.get(of_);
  if (ir.sizes() != ir_.sizes() || ir.scalar_type() != ir_.scalar_type() || ir.device() != ir_.device()) {
    std::ostringstream message;
    message << loss_ << ": the response's " << of_ << " must be as the target's, " << ir_.sizes() << ' ' << ir_.dtype()
            << " on " << ir_.device() << ", got " << ir.sizes() << ' ' << ir.dtype() << " on " << ir.device();
    throw ContractError(message.str());
  }
  if (response.sample_rate_hz() != rate_hz_) {
    std::ostringstream message;
    message << loss_ << ": the response's rate must be the target's, " << rate_hz_ << " Hz, got "
            << response.sample_rate_hz() << " Hz";
    throw ContractError(message.str());
  }
  return ir;
}

}  // namespace diffverb
