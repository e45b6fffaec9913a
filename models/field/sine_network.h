#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// Value and derivatives of a function of D coordinates at P points.
struct SineJet {
  at::Tensor value;     // [P]
  at::Tensor gradient;  // [D, P]
  at::Tensor second;    // [P], sum_d c_d d2/dx_d2
};

/// A network of sines from D coordinates to one number, with its derivatives in the coordinates.
///
///   h_0 = x,   z_l = W_l h_l + b_l,   h_{l+1} = sin z_l,   p = w h_L + b
///
/// First derivatives and one weighted sum S = sum_d c_d d2/dx_d2 of the second ones are carried forward with the value,
///
///   dh/dx_d = cos z dz/dx_d,   S h = cos z S z - sin z sum_d c_d (dz/dx_d)^2
///
/// D + 2 numbers a unit in place of a second pass of autograd. All are plain operators.
///
/// Gradient to the parameters and the points, of all that is returned
/// Source   Sitzmann et al. 2020, Implicit neural representations with periodic activation functions (its omega_0 stands
///          within the numbers here); Li et al. 2024, forward Laplacian
class SineNetwork {
 public:
  enum class Start {
    kUniform,  // the first layer's numbers uniform in +-omega_0, as in the paper
    kWaves     // each of its units a plane wave in x_1 .. x_{D-1} and the time x_D: |k| = |w|, w uniform in +-omega_0
  };
  struct Options {
    std::int64_t inputs = 2, width = 128, layers = 3;
    double omega_0 = 1;  // of the first layer, radians per unit of a coordinate
    Start start = Start::kUniform;
  };

  SineNetwork(const Options& options, Random& random, const at::TensorOptions& type);

  at::Tensor value(const at::Tensor& points) const;  // [P, D] -> [P]
  /// Reads    points [P, D], second [D]: the c_d
  SineJet jet(const at::Tensor& points, const at::Tensor& second) const;

  void add_parameters(std::map<std::string, at::Tensor>& to) const;
  void move_to(at::Device device);

 private:
  struct Layer {
    at::Tensor weight, bias;  // [out, in], [out]
  };
  std::vector<Layer> layers_;  // the last one is linear
};

}  // namespace diffverb
