#include "train/optimizer/flat_parameters.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <tuple>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr std::int64_t kAlign = 16;

void check(const std::string& name, const at::Tensor& parameter) {
  const auto refuse = [&](const std::string& why) { throw ContractError("parameter '" + name + "' " + why); };
  if (!parameter.defined()) refuse("is undefined");
  if (parameter.is_complex()) refuse("is complex: give its real view, at::view_as_real");
  if (!parameter.is_floating_point()) refuse("is no floating-point tensor");
  if (!parameter.is_leaf()) refuse("is no leaf: it was computed from others");
  if (!parameter.is_non_overlapping_and_dense()) refuse("is not dense in memory");
}

}  // namespace

std::int64_t first_bad_index(const at::Tensor& tensor) {
  const auto bad = at::isfinite(tensor.detach().reshape({-1})).logical_not().nonzero();
  return bad.size(0) > 0 ? bad[0].item<std::int64_t>() : -1;
}

FlatParameters::FlatParameters(const Model& model) {
  for (const auto& [name, parameter] : model.parameters()) {
    check(name, parameter);
    Entry entry;
    entry.name = name;
    entry.parameter = parameter;
    entry.size = parameter.numel();
    entry.rate_scale = model.rate_scale(name);
    entry.decays = parameter.dim() >= 2;
    entries_.push_back(std::move(entry));
  }
  const auto key = [](const Entry& e) {
    return std::make_tuple(e.parameter.scalar_type(), e.parameter.device().str(), e.rate_scale, e.decays);
  };
  std::stable_sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) { return key(a) < key(b); });
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& e = entries_[i];
    const bool same_buffer = i > 0 && e.parameter.scalar_type() == entries_[i - 1].parameter.scalar_type() &&
                             e.parameter.device() == entries_[i - 1].parameter.device();
    if (!same_buffer) sizes.push_back(0);
    e.buffer = sizes.size() - 1;
    e.begin = sizes.back();
    sizes.back() += (e.size + kAlign - 1) / kAlign * kAlign;
    if (!same_buffer || key(e) != key(entries_[i - 1]))
      groups_.push_back({e.buffer, e.begin, 0, e.rate_scale, e.decays});
    groups_.back().size = sizes.back() - groups_.back().begin;
  }
  const at::NoGradGuard no_grad;
  buffers_.resize(sizes.size());
  for (Entry& e : entries_) {
    Buffer& buffer = buffers_[e.buffer];
    if (!buffer.values.defined()) {
      buffer.values = at::zeros({sizes[e.buffer]}, e.parameter.options().requires_grad(false));
      buffer.gradients = at::zeros_like(buffer.values);
    }
    at::Tensor place = view(buffer.values, e);
    place.copy_(e.parameter);
    e.parameter.set_data(place);
    e.parameter.set_requires_grad(true);
  }
  zero_gradients();
}

at::Tensor FlatParameters::view(const at::Tensor& flat, const Entry& entry) const {
  return flat.as_strided(entry.parameter.sizes(), entry.parameter.strides(), entry.begin);
}

void FlatParameters::zero_gradients() {
  for (Buffer& buffer : buffers_) buffer.gradients.zero_();
  for (Entry& entry : entries_) {
    at::Tensor& gradient = entry.parameter.mutable_grad();
    const at::Tensor& flat = buffers_[entry.buffer].gradients;
    const auto* place = static_cast<const char*>(flat.const_data_ptr()) + entry.begin * flat.element_size();
    if (!gradient.defined() || gradient.const_data_ptr() != place) gradient = view(flat, entry);
  }
}

std::vector<at::Tensor> FlatParameters::zeros() const {
  std::vector<at::Tensor> out;
  for (const Buffer& buffer : buffers_) out.push_back(at::zeros_like(buffer.values));
  return out;
}

std::string FlatParameters::first_bad_gradient() const {
  for (const Entry& entry : entries_) {
    const std::int64_t bad = first_bad_index(entry.parameter.grad());
    if (bad >= 0) return entry.name + " is not a number at index " + std::to_string(bad);
  }
  return "";
}

}  // namespace diffverb
