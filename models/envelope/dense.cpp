#include "models/envelope/dense.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace diffverb {
namespace {

constexpr double kSlope = 0.1;

DenseLayer zero_layer(std::int64_t inputs, std::int64_t outputs) {
  return {at::zeros({outputs, inputs}).set_requires_grad(true), at::zeros({outputs}).set_requires_grad(true)};
}

void draw(DenseLayer& layer, Random& random, double scale) {
  const at::NoGradGuard guard;
  const double range = scale / std::sqrt(static_cast<double>(layer.weight.size(1)));
  for (at::Tensor* tensor : {&layer.weight, &layer.bias}) {
    auto values = at::empty(tensor->sizes(), at::kFloat);
    float* to = values.data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i) to[i] = static_cast<float>(random.uniform(-range, range));
    tensor->copy_(values);
  }
}

at::Tensor apply(const DenseLayer& layer, const at::Tensor& x) { return at::addmm(layer.bias, x, layer.weight.t()); }

void add(const DenseLayer& layer, const std::string& prefix, std::map<std::string, at::Tensor>& to) {
  to[prefix + ".weight"] = layer.weight;
  to[prefix + ".bias"] = layer.bias;
}

}  // namespace

DenseNetwork::DenseNetwork(std::int64_t inputs, std::int64_t width, std::int64_t blocks, std::int64_t outputs)
    : in_(zero_layer(inputs, width)), out_(zero_layer(width, outputs)) {
  for (std::int64_t i = 0; i < blocks; ++i) blocks_.push_back({zero_layer(width, width), zero_layer(width, width)});
}

void DenseNetwork::reset(Random& random, double output_scale) {
  draw(in_, random, 1);
  for (Block& block : blocks_) draw(block.a, random, 1);
  draw(out_, random, output_scale);
}

at::Tensor DenseNetwork::forward(const at::Tensor& x) const {
  auto y = at::leaky_relu(apply(in_, x), kSlope);
  for (const Block& block : blocks_) y = y + apply(block.b, at::leaky_relu(apply(block.a, y), kSlope));
  return apply(out_, y).to(x.scalar_type());  // within an Autocast the layers come out narrower
}

void DenseNetwork::add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  add(in_, prefix + "in", to);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    add(blocks_[i].a, prefix + "block" + std::to_string(i + 1) + ".a", to);
    add(blocks_[i].b, prefix + "block" + std::to_string(i + 1) + ".b", to);
  }
  add(out_, prefix + "out", to);
}

}  // namespace diffverb
