#include "models/knobs.h"

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace diffverb {
namespace {

/// How near to the end of its range a number may begin that is to be learned: beyond, the sigmoid has no slope.
constexpr double kEnd = 1e-3;

}  // namespace

void Knobs::put(const std::string& key, const at::Tensor& value, const Range& range, bool learned) {
  if (!std::isfinite(range.min) || !std::isfinite(range.max) || !(range.min < range.max))
    throw ContractError("knob " + key + ": a range of two finite ends expected");
  Knob knob;
  knob.range = range;
  knob.learned = learned;
  restart(knob, value);
  knobs_[key] = std::move(knob);
}

void Knobs::restart(Knob& knob, const at::Tensor& value) {
  const at::NoGradGuard no_grad;
  knob.start = value.clone();
  const auto share = ((value - knob.range.min) / (knob.range.max - knob.range.min)).clamp(kEnd, 1 - kEnd);
  const auto raw = share.logit();
  if (knob.raw.defined()) {
    knob.raw.copy_(raw);  // the trainer holds the leaf
  } else {
    knob.raw = raw.clone().set_requires_grad(true);
  }
  knob.share = raw.sigmoid();
}

void Knobs::add(Fields& fields, const std::string& key, double value, const Range& range, const std::string& unit,
                Kind kind) {
  fields.optional(key, value, range, unit);
  put(key, at::scalar_tensor(value, at::kDouble), range, kind == Kind::kLearned);
}

void Knobs::add(Fields& fields, const std::string& key, std::vector<double> values, const Range& range,
                const std::string& unit, Kind kind) {
  const std::size_t count = values.size();
  fields.optional(key, values, range, unit);
  if (values.size() != count) {
    fields.fail(key, "a list of " + std::to_string(count) + " numbers expected, got " + std::to_string(values.size()));
  }
  put(key, at::tensor(values, at::kDouble), range, kind == Kind::kLearned);
}

void Knobs::choose(Fields& fields) {
  std::vector<std::string> wanted;
  for (const auto& [key, knob] : knobs_) {
    if (knob.learned) wanted.push_back(key);
  }
  fields.optional("learn", wanted);
  for (auto& [key, knob] : knobs_) knob.learned = false;
  for (const std::string& key : wanted) {
    const auto found = knobs_.find(key);
    if (found == knobs_.end()) {
      std::string known;
      for (const auto& [name, knob] : knobs_) known += (known.empty() ? "" : ", ") + name;
      fields.fail("learn", "'" + key + "' is no number of this model; there are: " + known);
    }
    found->second.learned = true;
  }
}

const Knobs::Knob& Knobs::find(const std::string& key) const {
  const auto found = knobs_.find(key);
  if (found == knobs_.end()) throw ContractError("there is no knob '" + key + "'");
  return found->second;
}

at::Tensor Knobs::operator[](const std::string& key) const {
  const Knob& knob = find(key);
  if (!knob.learned) return knob.start;
  const auto moved = knob.start + (knob.range.max - knob.range.min) * (knob.raw.sigmoid() - knob.share);
  return moved.clamp(knob.range.min, knob.range.max);
}

bool Knobs::is_learned(const std::string& key) const { return find(key).learned; }
const Range& Knobs::range(const std::string& key) const { return find(key).range; }

void Knobs::set(const std::string& key, double value) {
  find(key);
  Knob& knob = knobs_[key];
  if (knob.start.dim() != 0) throw ContractError("knob " + key + " is a list");
  restart(knob, at::scalar_tensor(std::clamp(value, knob.range.min, knob.range.max), at::kDouble));
}

void Knobs::set(const std::string& key, const std::vector<double>& values) {
  find(key);
  Knob& knob = knobs_[key];
  if (knob.start.dim() != 1 || knob.start.size(0) != static_cast<std::int64_t>(values.size()))
    throw ContractError("knob " + key + " is no list of " + std::to_string(values.size()));
  restart(knob, at::tensor(values, at::kDouble).clamp(knob.range.min, knob.range.max));
}

std::map<std::string, at::Tensor> Knobs::parameters() const {
  std::map<std::string, at::Tensor> out;
  for (const auto& [key, knob] : knobs_) {
    if (knob.learned) out[key] = knob.raw;
  }
  return out;
}

}  // namespace diffverb
