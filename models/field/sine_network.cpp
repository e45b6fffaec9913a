#include "models/field/sine_network.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>

#include <cmath>
#include <numbers>

namespace diffverb {
namespace {

constexpr double kHiddenOmega = 30;  // the paper's; here it is left in the output layer alone, which thus starts small

at::Tensor uniform_tensor(at::IntArrayRef shape, double bound, Random& random) {
  at::Tensor out = at::empty(shape, at::kDouble);
  auto* data = out.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < out.numel(); ++i) data[i] = random.uniform(-bound, bound);
  return out;
}

/// Turns and stretches the rows' wave vectors so that each solves the wave equation at unit speed.
void make_waves(at::Tensor& weight, Random& random) {
  auto* data = weight.mutable_data_ptr<double>();
  const std::int64_t inputs = weight.size(1);
  for (std::int64_t row = 0; row < weight.size(0); ++row) {
    double* k = data + row * inputs;
    double norm = 0;
    for (std::int64_t d = 0; d + 1 < inputs; ++d) {
      k[d] = random.normal();
      norm += k[d] * k[d];
    }
    for (std::int64_t d = 0; d + 1 < inputs; ++d) k[d] *= std::abs(k[inputs - 1]) / std::sqrt(norm);
  }
}

}  // namespace

SineNetwork::SineNetwork(const Options& options, Random& random, const at::TensorOptions& type) {
  const double hidden = std::sqrt(6.0 / static_cast<double>(options.width));
  const double bias = 1 / std::sqrt(static_cast<double>(options.width));
  const auto add = [&](at::Tensor weight, at::Tensor bias_of) {
    layers_.push_back({weight.to(type).set_requires_grad(true), bias_of.to(type).set_requires_grad(true)});
  };
  at::Tensor first = uniform_tensor({options.width, options.inputs}, options.omega_0, random);
  if (options.start == Start::kWaves) make_waves(first, random);
  add(first, uniform_tensor({options.width}, std::numbers::pi, random));
  for (std::int64_t l = 1; l < options.layers; ++l)
    add(uniform_tensor({options.width, options.width}, hidden, random), uniform_tensor({options.width}, bias, random));
  add(uniform_tensor({1, options.width}, hidden / kHiddenOmega, random), uniform_tensor({1}, 0, random));
}

at::Tensor SineNetwork::value(const at::Tensor& points) const {
  at::Tensor z = points;
  for (std::size_t l = 0; l < layers_.size(); ++l)
    z = at::addmm(layers_[l].bias, l == 0 ? z : z.sin(), layers_[l].weight.t());
  return z.squeeze(1);
}

SineJet SineNetwork::jet(const at::Tensor& points, const at::Tensor& second) const {
  const at::Tensor c = second.reshape({-1, 1, 1});
  at::Tensor z = at::addmm(layers_[0].bias, points, layers_[0].weight.t());  // [P, W]
  at::Tensor gradient = layers_[0].weight.t().unsqueeze(1);                  // [D, 1, W], [D, P, W] from layer 1 on
  at::Tensor sum;                                                            // [P, W]; 0 in the first layer
  for (std::size_t l = 1; l < layers_.size(); ++l) {
    const at::Tensor sine = z.sin(), cosine = z.cos(), weight = layers_[l].weight.t();
    const at::Tensor bent = sine * (gradient.square() * c).sum(0);
    sum = at::matmul(sum.defined() ? cosine * sum - bent : -bent, weight);
    gradient = at::matmul(cosine * gradient, weight);
    z = at::addmm(layers_[l].bias, sine, weight);
  }
  return {z.squeeze(1), gradient.squeeze(2), sum.squeeze(1)};
}

void SineNetwork::add_parameters(std::map<std::string, at::Tensor>& to) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const std::string name = "layer_" + std::to_string(l + 1);
    to[name + ".weight"] = layers_[l].weight;
    to[name + ".bias"] = layers_[l].bias;
  }
}

void SineNetwork::move_to(at::Device device) {
  for (Layer& layer : layers_) {
    layer.weight.set_data(layer.weight.detach().to(device));
    layer.bias.set_data(layer.bias.detach().to(device));
  }
}

}  // namespace diffverb
