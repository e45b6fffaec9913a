#include "runtime/terms/product_term.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "runtime/convolver.h"
#include "runtime/metadata.h"
#include "runtime/network_check.h"
#include "runtime/resampling.h"
#include "runtime/size.h"
#include "runtime/terms/term_limits.h"

namespace diffverb::runtime {
namespace {

constexpr int kMostOrder = 5, kMostRank = 1024, kMostSamples = 1 << 16;
constexpr long long kMostFactors = 4096;

float kept(float value) {
  constexpr auto kMost = static_cast<float>(kLoudestInside);
  return std::clamp(value, -kMost, kMost);
}

class ProductPlayer final : public TermPlayer {
 public:
  ProductPlayer(const ProductTerm& term, const TermShape& shape) : term_(term), outputs_(shape.outputs) {
    const int products = outputs_ * term.groups * term.rank;
    factors_.prepare(term.factors, products * term.order, shape.inputs, term.samples);
    signals_.assign(size(products * term.order) * kTermStride, 0.0f);
    groups_.assign(size(outputs_ * term.groups) * kTermStride, 0.0f);
    const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(term.groups) * term.after_samples;
    for (int o = 0; term.after_samples > 0 && o < outputs_; ++o) {
      const auto first = term.after.begin() + o * taps;
      after_.emplace_back().prepare({first, first + taps}, 1, term.groups, term.after_samples);
    }
  }

  void reset() noexcept override {
    factors_.reset();
    for (Convolver& convolver : after_) convolver.reset();
  }

  void add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept override {
    std::fill(signals_.begin(), signals_.end(), 0.0f);
    factors_.add(in, in_stride, signals_.data(), kTermStride, frames);
    for (int g = 0; g < outputs_ * term_.groups; ++g) multiply(g, frames);
    for (int o = 0; o < outputs_; ++o) {
      const float* groups = groups_.data() + size(o * term_.groups) * kTermStride;
      float* to = out + size(o) * out_stride;
      if (!after_.empty()) {
        after_[size(o)].add(groups, kTermStride, to, out_stride, frames);
        continue;
      }
      for (int g = 0; g < term_.groups; ++g, groups += kTermStride) {
        for (int t = 0; t < frames; ++t) to[t] += groups[t];
      }
    }
  }

 private:
  /// The sum of the products of one group.
  void multiply(int group, int frames) noexcept {
    float* sum = groups_.data() + size(group) * kTermStride;
    std::fill_n(sum, frames, 0.0f);
    for (int r = 0; r < term_.rank; ++r) {
      float* product = signals_.data() + size((group * term_.rank + r) * term_.order) * kTermStride;
      for (int t = 0; t < frames; ++t) product[t] = kept(product[t]);
      for (int j = 1; j < term_.order; ++j) {
        const float* factor = product + size(j) * kTermStride;
        for (int t = 0; t < frames; ++t) product[t] = kept(product[t] * kept(factor[t]));
      }
      for (int t = 0; t < frames; ++t) sum[t] += product[t];
    }
    for (int t = 0; t < frames; ++t) sum[t] = kept(sum[t]);
  }

  const ProductTerm& term_;
  int outputs_;
  Convolver factors_;             // of all factors
  std::vector<Convolver> after_;  // [O]
  Floats signals_;                // [O, G, R, P, kTermStride]
  Floats groups_;                 // [O, G, kTermStride]
};

}  // namespace

std::string ProductTerm::read(const Container& file, const std::string& name, int outputs, int inputs) {
  groups = rank = order = samples = after_samples = -1;
  std::string error =
      take(file, (name + "factors").c_str(), "F32", {&outputs, &groups, &rank, &order, &inputs, &samples}, factors);
  if (error.empty()) error = take(file, (name + "after").c_str(), "F32", {&outputs, &groups, &after_samples}, after);
  return error;
}

std::string ProductTerm::check(const TermShape& shape, const std::string& name) const {
  const auto refuse = [&](const std::string& what, int value, int low, int high) {
    return "tensor '" + name + "factors': " + what + " is " + std::to_string(value) + ", expected " +
           std::to_string(low) + " to " + std::to_string(high);
  };
  if (order < 1 || order > kMostOrder) return refuse("the order", order, 1, kMostOrder);
  if (groups < 1 || groups > kMostRank) return refuse("the number of groups", groups, 1, kMostRank);
  if (rank < 1 || rank > kMostRank) return refuse("the rank", rank, 1, kMostRank);
  if (samples < 1 || samples > kMostSamples) return refuse("the length", samples, 1, kMostSamples);
  if (after_samples < 0 || after_samples > kMostSamples)
    return "tensor '" + name + "after': the length is " + std::to_string(after_samples) + ", expected 0 to " +
           std::to_string(kMostSamples);
  const long long rows = 1LL * shape.outputs * groups * rank * order * shape.inputs;
  if (rows > kMostTermTaps / samples)
    return "tensor '" + name + "factors' has more than " + std::to_string(kMostTermTaps) + " values";
  if (rows / shape.inputs > kMostFactors)
    return "tensor '" + name + "factors' holds " + std::to_string(rows / shape.inputs) + " factors, expected at most " +
           std::to_string(kMostFactors);
  if (1LL * shape.outputs * groups * after_samples > kMostTermTaps)
    return "tensor '" + name + "after' has more than " + std::to_string(kMostTermTaps) + " values";
  if (std::string error = check_values((name + "factors").c_str(), factors, static_cast<std::size_t>(rows * samples));
      !error.empty())
    return error;
  return check_values((name + "after").c_str(), after, size(shape.outputs) * size(groups) * size(after_samples));
}

void ProductTerm::add_tensors(const TermShape& shape, const std::string& name, Tensors& to) const {
  to.emplace(name + "factors", view(factors, "F32", {shape.outputs, groups, rank, order, shape.inputs, samples}));
  to.emplace(name + "after", view(after, "F32", {shape.outputs, groups, after_samples}));
}

void ProductTerm::add_reference(const TermShape& shape, const Signals& input, Signals& output) const {
  const std::size_t frames = output[0].size();
  const auto inside = [](double value) { return std::clamp(value, -kLoudestInside, kLoudestInside); };
  const float* taps = factors.data();
  for (std::size_t o = 0; o < output.size(); ++o) {
    for (std::size_t g = 0; g < size(groups); ++g) {
      std::vector<double> sum(frames, 0.0);
      for (int r = 0; r < rank; ++r) {
        std::vector<double> product(frames, 1.0);
        for (int j = 0; j < order; ++j, taps += size(shape.inputs) * size(samples)) {
          for (std::size_t n = 0; n < frames; ++n) {
            double factor = 0;
            for (std::size_t i = 0; i < size(shape.inputs); ++i)
              factor += filtered_sample(taps + i * size(samples), size(samples), input[i], n);
            product[n] = inside(product[n] * inside(factor));
          }
        }
        for (std::size_t n = 0; n < frames; ++n) sum[n] += product[n];
      }
      for (double& value : sum) value = inside(value);
      const float* behind = after.data() + (o * size(groups) + g) * size(after_samples);
      for (std::size_t n = 0; n < frames; ++n)
        output[o][n] += after_samples > 0 ? filtered_sample(behind, size(after_samples), sum, n) : sum[n];
    }
  }
}

std::shared_ptr<const Term> ProductTerm::at_rate(const TermShape& shape, double to_hz) const {
  const double from_hz = shape.sample_rate_hz;
  auto term = std::make_shared<ProductTerm>(*this);
  if (from_hz == to_hz) return term;
  term->factors = resample_responses(factors, size(samples), from_hz, to_hz, kTermRinging);
  term->samples = static_cast<int>(term->factors.size() / (factors.size() / size(samples)));
  const std::size_t rows = size(shape.outputs) * size(groups);
  // Products reach beyond the old half rate, where there was nothing.
  const std::vector<float> pass(rows, 1.0f);
  const bool as_they_are = after_samples == 0;
  if (as_they_are && to_hz < from_hz) return term;
  term->after = resample_responses(as_they_are ? pass : after, size(as_they_are ? 1 : after_samples), from_hz, to_hz,
                                   kTermRinging);
  term->after_samples = static_cast<int>(term->after.size() / rows);
  return term;
}

std::unique_ptr<TermPlayer> ProductTerm::make_player(const TermShape& shape) const {
  return std::make_unique<ProductPlayer>(*this, shape);
}

}  // namespace diffverb::runtime
