#pragma once

#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/network/delay_network.h"
#include "core/tensor.h"

// What the glue of both solvers shares; not for callers of the solvers.
namespace diffverb {

/// The gradients are made outside of autograd: a second derivative would silently be zero.
inline void require_first_order(const std::string& solver) {
  if (at::GradMode::is_enabled())
    throw ContractError(solver + ": a gradient of the gradient is not supported (create_graph)");
}

/// Sums of a kernel as a tensor of the shape, type and device of what they are the gradient of.
inline at::Tensor tensor_like(const std::vector<double>& values, const at::Tensor& like) {
  return at::tensor(values, at::kDouble).reshape(like.sizes()).to(like.options().requires_grad(false));
}

/// Points a kernel's problem to a network's tensors, and tells it their sizes. Those of a batch have a leading axis, of
/// which `network` is taken; without one the problem is of all of them.
template <typename Scalar, typename Problem, typename Tensors>
void point_to(Problem& p, const Tensors& t, std::optional<std::int64_t> network = std::nullopt) {
  const auto at = [&](const at::Tensor& tensor) { return network ? tensor.select(0, *network) : tensor; };
  p.lines = static_cast<int>(t.a.size(-1));
  p.inputs = static_cast<int>(t.b.size(-1));
  p.outputs = static_cast<int>(t.c.size(-2));
  p.sections = static_cast<int>(t.sos.size(-2));
  p.a = at(t.a).template const_data_ptr<Scalar>();
  p.b = at(t.b).template const_data_ptr<Scalar>();
  p.c = at(t.c).template const_data_ptr<Scalar>();
  p.d = at(t.d).template const_data_ptr<Scalar>();
  p.sos = at(t.sos).template const_data_ptr<double>();
}

/// The networks' tensors of one kind, one above the other.
inline at::Tensor stacked(const std::string& solver, const std::vector<DelayNetwork>& networks,
                          at::Tensor DelayNetwork::*member) {
  std::vector<at::Tensor> tensors;
  for (const DelayNetwork& network : networks) {
    tensors.push_back(network.*member);
    if (tensors.back().sizes() == tensors[0].sizes() && tensors.back().options().type_equal(tensors[0].options()))
      continue;
    throw ContractError(solver + ": the networks of a batch differ in shape or type");
  }
  return at::stack(tensors);
}

/// Networks of one shape and type as one whose tensors have a leading axis.
inline DelayNetwork stacked(const std::string& solver, const std::vector<DelayNetwork>& networks) {
  if (networks.empty()) throw ContractError(solver + ": a batch of no networks");
  for (const DelayNetwork& network : networks) network.check();
  DelayNetwork all;
  for (auto member : {&DelayNetwork::a, &DelayNetwork::b, &DelayNetwork::c, &DelayNetwork::d, &DelayNetwork::delays,
                      &DelayNetwork::line_sos})
    all.*member = stacked(solver, networks, member);
  return all;
}

/// Memory of large tensors that come again with every step: fresh pages for tens of megabytes cost as much as the solver.
class RecycledMemory {
 public:
  static RecycledMemory& instance() {
    static RecycledMemory memory;
    return memory;
  }
  /// At least `bytes`, aligned to a cache line.
  std::pair<void*, std::size_t> take(std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      for (auto it = free_.begin(); it != free_.end(); ++it) {
        if (it->second < bytes || it->second > 2 * bytes + (1 << 16)) continue;
        const auto found = *it;
        kept_ -= found.second;
        free_.erase(it);
        return found;
      }
    }
    const std::size_t rounded = (bytes + 127) / 128 * 128;
    void* fresh = std::aligned_alloc(128, rounded);
    if (!fresh) throw std::bad_alloc();
    return {fresh, rounded};
  }
  void give_back(std::pair<void*, std::size_t> block) {
    const std::lock_guard lock(mutex_);
    free_.push_back(block);
    kept_ += block.second;
    while (free_.size() > kMost || kept_ > kMostBytes) {
      kept_ -= free_.front().second;
      std::free(free_.front().first);
      free_.erase(free_.begin());
    }
  }
  /// Gives what nobody uses back to the system.
  void trim() {
    const std::lock_guard lock(mutex_);
    for (const auto& block : free_) std::free(block.first);
    free_.clear();
    kept_ = 0;
  }

 private:
  static constexpr std::size_t kMost = 16, kMostBytes = std::size_t{512} << 20;
  std::mutex mutex_;
  std::size_t kept_ = 0;
  std::vector<std::pair<void*, std::size_t>> free_;
};

/// An uninitialised tensor in such memory.
inline at::Tensor recycled(at::IntArrayRef sizes, const at::TensorOptions& options) {
  std::size_t bytes = options.dtype().itemsize();
  for (const std::int64_t size : sizes) bytes *= static_cast<std::size_t>(size);
  const auto block = RecycledMemory::instance().take(bytes);
  return at::from_blob(
      block.first, sizes, [block](void*) { RecycledMemory::instance().give_back(block); }, options);
}

}  // namespace diffverb
