#include "core/collective.h"

#include <torch/csrc/autograd/custom_function.h>

namespace diffverb {
namespace {

std::shared_ptr<Collective>& current() {
  static std::shared_ptr<Collective> instance = std::make_shared<Collective>();
  return instance;
}

at::Tensor summed(const at::Tensor& tensor) {
  at::Tensor copy = tensor.detach().clone(at::MemoryFormat::Contiguous);
  collective().sum_in_place(copy);
  return copy;
}

struct AllReduceSum : public torch::autograd::Function<AllReduceSum> {
  static at::Tensor forward(torch::autograd::AutogradContext* /*context*/, const at::Tensor& tensor) {
    return summed(tensor);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* /*context*/,
                                                 torch::autograd::variable_list gradients) {
    return {summed(gradients[0])};
  }
};

}  // namespace

Collective& collective() { return *current(); }

void set_collective(std::shared_ptr<Collective> collective) {
  current() = collective ? std::move(collective) : std::make_shared<Collective>();
}

at::Tensor all_reduce_sum(const at::Tensor& tensor) {
  return collective().size() == 1 ? tensor : AllReduceSum::apply(tensor);
}

}  // namespace diffverb
