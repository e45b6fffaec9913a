#pragma once

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/tensor.h"

/// The C++ of a widely read description of feedback delay networks, as it is printed there (names, order of operations
/// and all), with the random numbers given from outside. Ours must come to the same from the same numbers.
namespace diffverb::listings {

template <std::size_t dim>
using Matrix = std::array<std::array<double, dim>, dim>;

template <std::size_t dim>
at::Tensor to_tensor(const Matrix<dim>& matrix) {
  auto out = at::empty({dim, dim}, at::kDouble);
  for (std::size_t i = 0; i < dim; ++i)
    std::copy(matrix[i].begin(), matrix[i].end(), out.mutable_data_ptr<double>() + i * dim);
  return out;
}

template <std::size_t dim, class Draw>
Matrix<dim> random_orthogonal(Draw dist) {
  Matrix<dim> H{};
  for (std::size_t i = 0; i < dim; ++i) H[i][i] = 1;
  std::array<double, dim> x;
  for (std::size_t n = 0; n < dim; ++n) {
    auto xRange = dim - n;
    for (std::size_t i = 0; i < xRange; ++i) x[i] = dist();
    double norm2 = 0;
    for (std::size_t i = 0; i < xRange; ++i) norm2 += x[i] * x[i];
    double x0 = x[0];
    double D = x0 >= 0 ? 1 : -1;
    x[0] += D * std::sqrt(norm2);
    double denom = std::sqrt((norm2 - x0 * x0 + x[0] * x[0]) / 2);
    for (std::size_t i = 0; i < xRange; ++i) x[i] /= denom;
    for (std::size_t row = 0; row < dim; ++row) {
      double dotH = 0;
      for (std::size_t col = 0; col < xRange; ++col) dotH += H[col][row] * x[col];
      for (std::size_t col = 0; col < xRange; ++col) H[col][row] = D * (H[col][row] - dotH * x[col]);
    }
  }
  return H;
}

/// scipy's special_ortho_group with the listing's change for the identity amount: x[0] = 1, x[i] = amount * normal, where
/// draw(n, i) is the normal number for entry i of the reflection n.
template <std::size_t dim, class Draw>
Matrix<dim> identity_amount(double amount, Draw draw) {
  Matrix<dim> H{};
  for (std::size_t i = 0; i < dim; ++i) H[i][i] = 1;
  for (std::size_t n = 0; n + 1 < dim; ++n) {
    std::array<double, dim> x{};
    x[n] = 1;
    for (std::size_t i = n + 1; i < dim; ++i) x[i] = amount * draw(n, i);
    double norm2 = 0;
    for (const double value : x) norm2 += value * value;
    const double x0 = x[n];
    x[n] += std::sqrt(norm2);
    const double denom = std::sqrt((norm2 - x0 * x0 + x[n] * x[n]) / 2);
    for (double& value : x) value /= denom;
    for (auto& row : H) {
      double dot = 0;
      for (std::size_t i = 0; i < dim; ++i) dot += row[i] * x[i];
      for (std::size_t i = 0; i < dim; ++i) row[i] -= dot * x[i];
    }
  }
  if (dim % 2 == 0) {  // the last sign: a determinant of +1
    for (double& value : H[dim - 1]) value = -value;
  }
  return H;
}

template <std::size_t dim>
Matrix<dim> hadamard_sylvester() {
  Matrix<dim> mat{};
  mat[0][0] = 1 / std::sqrt(static_cast<double>(dim));
  std::size_t start = 1, end = 2;
  while (start < dim) {
    for (std::size_t row = start; row < end; ++row) {
      for (std::size_t col = start; col < end; ++col) {
        auto&& value = mat[row - start][col - start];
        mat[row - start][col] = value;
        mat[row][col - start] = value;
        mat[row][col] = -value;
      }
    }
    start *= 2;
    end *= 2;
  }
  return mat;
}

template <std::size_t dim>
Matrix<dim> householder(const std::array<double, dim>& vec) {
  Matrix<dim> matrix{};
  double denom = 0;
  for (const double value : vec) denom += value * value;
  auto scale = -2 / denom;
  for (std::size_t i = 0; i < dim; ++i) {
    matrix[i][i] = 1 + scale * vec[i] * vec[i];
    for (std::size_t j = i + 1; j < dim; ++j) {
      auto value = scale * vec[i] * vec[j];
      matrix[i][j] = value;
      matrix[j][i] = value;
    }
  }
  return matrix;
}

/// C[0][0] = 0, C[0][i] = C[i][0] = 1 / sqrt(modulo), C[i][j] = S[i][j] by Legendre's symbol: prime modulo only.
template <std::size_t dim>
Matrix<dim> conference() {
  constexpr std::size_t modulo = dim - 1;
  std::vector<bool> residue(modulo, false);
  for (std::size_t i = 1; i < modulo; ++i) residue[i * i % modulo] = true;
  const double value = 1 / std::sqrt(static_cast<double>(modulo));
  Matrix<dim> C{};
  for (std::size_t i = 1; i < dim; ++i) {
    C[0][i] = C[i][0] = value;
    for (std::size_t j = 1; j < dim; ++j) {
      if (i != j) C[i][j] = residue[(modulo + i - j) % modulo] ? value : -value;
    }
  }
  return C;
}

template <std::size_t dim>
Matrix<dim> absorbent(const Matrix<dim / 2>& A, const std::array<double, dim / 2>& gains) {
  Matrix<dim> mat{};
  constexpr std::size_t half = dim / 2;
  for (std::size_t col = 0; col < half; ++col) {
    auto gain = gains[col];
    mat[half + col][half + col] = gain;
    mat[half + col][col] = 1 - gain * gain;
    for (std::size_t row = 0; row < half; ++row) {
      mat[row][half + col] = A[row][col];
      mat[row][col] = -A[row][col] * gain;
    }
  }
  return mat;
}

/// A delay that reads between samples by linear interpolation: 0 samples is what was just written.
struct Delay {
  std::vector<double> buf = std::vector<double>(512);
  std::size_t wptr = 0;
  double process(double input, double samples) {
    buf[wptr] = input;
    const auto whole = static_cast<std::size_t>(samples);
    const double fraction = samples - static_cast<double>(whole);
    const double near = buf[(wptr + buf.size() - whole) % buf.size()];
    const double far = buf[(wptr + buf.size() - whole - 1) % buf.size()];
    wptr = (wptr + 1) % buf.size();
    return near + fraction * (far - near);
  }
};

template <std::size_t length>
struct FeedbackDelayNetwork {
  std::size_t bufIndex = 0;
  std::array<std::array<double, length>, 2> buf{};
  Matrix<length> matrix{};
  std::array<Delay, length> delay;
  std::array<double, length> delayTimeSample{};

  double process(double input, double feedback) {
    bufIndex ^= 1;
    auto& front = buf[bufIndex];
    auto& back = buf[bufIndex ^ 1];
    front.fill(0);
    for (std::size_t i = 0; i < length; ++i) {
      for (std::size_t j = 0; j < length; ++j) front[i] += matrix[i][j] * back[j];
    }
    input /= double(length);
    for (std::size_t idx = 0; idx < length; ++idx) {
      auto&& sig = input + feedback * front[idx];
      front[idx] = delay[idx].process(sig, delayTimeSample[idx]);
    }
    return std::accumulate(front.begin(), front.end(), double(0));
  }
};

}  // namespace diffverb::listings
