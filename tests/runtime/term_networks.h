#pragma once

#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "runtime/terms/frame_term.h"
#include "runtime/terms/product_term.h"
#include "runtime/weights.h"

namespace diffverb::runtime::testing {

inline std::vector<float> drawn(int count, double most, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> value(-most, most);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& one : values) one = static_cast<float>(value(random));
  return values;
}

struct ProductSize {
  int outputs, inputs, groups, rank, order, samples, after_samples;
};

inline ProductTerm product(const ProductSize& size, unsigned seed) {
  ProductTerm term;
  term.groups = size.groups, term.rank = size.rank, term.order = size.order;
  term.samples = size.samples, term.after_samples = size.after_samples;
  const int factors = size.outputs * size.groups * size.rank * size.order * size.inputs;
  term.factors = drawn(factors * size.samples, 1 / std::sqrt(size.samples), seed);
  term.after = drawn(size.outputs * size.groups * size.after_samples, 1, seed + 1);
  return term;
}

struct FrameSize {
  int outputs, inputs, hidden, frame, states;
};

inline FrameTerm frame(const FrameSize& size, unsigned seed) {
  FrameTerm term;
  term.hidden = size.hidden, term.frame = size.frame, term.states = size.states;
  term.kernels = drawn(size.hidden * size.inputs * size.frame, 1 / std::sqrt(size.frame), seed);
  term.bias = drawn(size.hidden, 0.3, seed + 1);
  term.output = drawn(size.outputs * size.hidden, 1, seed + 2);
  term.scale = drawn(size.hidden * size.states, 1, seed + 3);
  term.shift = drawn(size.hidden * size.states, 1, seed + 4);
  for (int k = 0; k < size.states; ++k) term.state_ms.push_back(3 * std::pow(10, k));
  return term;
}

inline std::shared_ptr<const Term> product_term(const ProductSize& size, unsigned seed) {
  return std::make_shared<ProductTerm>(product(size, seed));
}
inline std::shared_ptr<const Term> frame_term(const FrameSize& size, unsigned seed) {
  return std::make_shared<FrameTerm>(frame(size, seed));
}

/// A term alone: a network without lines.
inline DelayNetworkWeights beside(int inputs, int outputs, std::shared_ptr<const Term> term) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.inputs = inputs, w.outputs = outputs;
  w.D.assign(static_cast<std::size_t>(inputs * outputs), 0.0f);
  w.terms = {std::move(term)};
  return w;
}

}  // namespace diffverb::runtime::testing
