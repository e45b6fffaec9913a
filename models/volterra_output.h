#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// One output of a Volterra series in low rank, with the signals from which its numbers are sought. In float64.
///
///   y = first * x + sum over products of after * prod_j (factor_j * x)
///
/// It is linear in the first order, in one factor of each product, and in what stands behind the products.
class VolterraOutput {
 public:
  /// Factors [I, L] and the filter [A] behind their product.
  struct Product {
    std::vector<at::Tensor> factors;
    at::Tensor after;
    bool has_after = false;  // else it is one tap that stays 1
  };
  /// Some of the numbers.
  struct Part {
    enum Kind { kFirst, kFactor, kAfter } kind = kFirst;
    std::size_t product = 0, factor = 0;
  };

  /// Reads    input [I, T], output [T]
  VolterraOutput(at::Tensor input, at::Tensor output) : x_(std::move(input)), y_(std::move(output)) {}

  at::Tensor first;  // [I, L1]
  std::vector<Product> products;

  double energy() const { return y_.square().sum().item<double>(); }
  at::Tensor error() const { return y_ - played(); }
  double error_energy() const { return error().square().sum().item<double>(); }

  /// Adds (J^T J + damping diag(J^T J))^-1 J^T e to some of the numbers, J the derivative of the output to them. Without
  /// damping, of parts in which the output is linear together, that is least squares.
  void step(const std::vector<Part>& parts, double damping);
  /// Shares the size of each product evenly between its factors and what is behind them.
  void balance();

  std::vector<Part> all_parts() const;
  /// The first order, and of each product factor `turn`, if it has one.
  std::vector<Part> factor_parts(std::size_t turn) const;
  /// The first order, and the filters behind the products.
  std::vector<Part> after_parts() const;

 private:
  at::Tensor& of(const Part& part);
  at::Tensor signal(const at::Tensor& factor) const;
  at::Tensor product_of(const Product& product, std::size_t without) const;
  at::Tensor played() const;
  std::pair<at::Tensor, at::Tensor> normal(const std::vector<Part>& parts);
  at::Tensor derivative(const Part& part, const at::Tensor& weight, std::int64_t from, std::int64_t to);

  at::Tensor x_, y_;
};

}  // namespace diffverb
