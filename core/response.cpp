#include "core/response.h"

#include <cmath>
#include <sstream>

#include "core/error.h"

namespace diffverb {

Response::Response(double sample_rate_hz) { set_sample_rate_hz(sample_rate_hz); }

Response::Response(at::Tensor ir, double sample_rate_hz) : Response(sample_rate_hz) { set_ir(std::move(ir)); }

double Response::sample_rate_hz() const {
  if (!(sample_rate_hz_ > 0)) throw ContractError("response: the sample rate was not set");
  return sample_rate_hz_;
}

void Response::set_sample_rate_hz(double rate_hz) {
  if (!(rate_hz > 0) || !std::isfinite(rate_hz))
    throw ContractError("response: sample rate must be above 0 Hz, got " + std::to_string(rate_hz));
  sample_rate_hz_ = rate_hz;
}

const at::Tensor& Response::get(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::string message = "response: no tensor '" + name + "'; there are:";
  for (const auto& entry : tensors_) message += " " + entry.first;
  throw ContractError(message + (tensors_.empty() ? " none" : ""));
}

void Response::set(const std::string& name, at::Tensor value) {
  if (!value.defined()) throw ContractError("response: tensor '" + name + "' is undefined");
  tensors_[name] = std::move(value);
}

void Response::set_ir(at::Tensor ir) {
  if (!ir.defined() || ir.dim() != 3) {
    std::ostringstream message;
    message << "response: ir must be [B, C, T], got ";
    if (ir.defined()) {
      message << ir.sizes();
    } else {
      message << "an undefined tensor";
    }
    throw ContractError(message.str());
  }
  set("ir", std::move(ir));
}

std::vector<std::string> Response::names() const {
  std::vector<std::string> out;
  for (const auto& entry : tensors_) out.push_back(entry.first);
  return out;
}

}  // namespace diffverb
