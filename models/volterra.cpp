#include "models/volterra.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/acoustics/fft.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kSixtyDb = 6.907755278982137;  // ln 1000

/// Noise [..., L] that decays by 60 dB in so many samples, each row of unit energy.
at::Tensor decaying_noise(std::vector<std::int64_t> shape, double decay_samples, Random& random) {
  auto noise = at::empty(shape, at::kDouble);
  double* values = noise.mutable_data_ptr<double>();
  const std::int64_t length = shape.back();
  for (std::int64_t i = 0; i < noise.numel(); ++i)
    values[i] = random.normal() * std::exp(-kSixtyDb * static_cast<double>(i % length) / decay_samples);
  return noise / noise.norm(2, {-1}, true);
}

/// The file that a key names, "" where it does not stand there.
std::string kernels_file(Fields& f) {
  std::optional<std::string> named;
  std::string file;
  f.optional("kernels", named);
  if (named && !f.is_recording()) f.file("kernels", file);
  return file;
}

}  // namespace

Volterra::Volterra(Fields& f, const SignalShape& shape) : TermModel(shape) {
  double t60_s = 1;
  std::uint64_t seed = 1;
  f.optional("order", order_, between(1, 3));
  f.optional("first_ms", first_ms_, between(0.1, 10000), "ms");
  for (Order& order : higher_) {
    const std::string name = order.name;
    f.optional(name + "_ms", order.ms, between(0.1, 200), "ms");
    f.optional(name + "_rank", order.rank, between(1, 64));
    f.optional(name + "_level_db", order.level_db, between(-120, 20), "dB");
  }
  f.optional("after_ms", after_ms_, between(0, 200), "ms");
  f.optional("oversampling", oversampling_, between(1, 2));
  f.optional("t60_s", t60_s, between(0.01, 60), "s");
  f.optional("seed", seed);
  const std::string kernels = kernels_file(f);
  if (f.is_recording()) return;
  draw(t60_s, seed);
  if (kernels.empty()) return;
  if (!(order_ == 1 && inputs() == 1) && !takes_hammerstein())
    f.fail("kernels", "one input, after_ms above 0 and oversampling: 1 expected, so that the model can hold them");
  start_as(read_hammerstein(kernels, outputs(), order_, sample_rate_hz()));
}

void Volterra::draw(double t60_s, std::uint64_t seed) {
  Random random(seed, "volterra");
  const double inputs = static_cast<double>(this->inputs());
  set("first",
      decaying_noise({outputs(), this->inputs(), shape().samples_of(first_ms_)}, t60_s * sample_rate_hz(), random) /
          std::sqrt(inputs));
  for (std::int64_t p = 2; p <= order_; ++p) {
    const Order& order = higher_[p - 2];
    const std::int64_t length = shape().samples_of(order.ms);
    const double level = std::pow(10, order.level_db / 20) / std::sqrt(static_cast<double>(order.rank));
    set(order.name,
        decaying_noise({outputs(), order.rank, p, this->inputs(), length}, static_cast<double>(length), random) *
            (std::pow(level, 1 / static_cast<double>(p)) / std::sqrt(inputs)));
    if (after_ms_ == 0) continue;
    auto after = at::zeros({outputs(), order.rank, shape().samples_of(after_ms_)}, at::kDouble);
    after.select(2, 0).fill_(1);
    set(std::string(order.name) + "_after", after);
  }
}

void Volterra::start_from(const at::Tensor& dry, const at::Tensor& wet, std::int64_t /*response_samples*/,
                          std::uint64_t /*seed*/) {
  const std::int64_t first = kernel("first").size(2);
  const auto mean = dry.mean(0);
  if (takes_hammerstein()) return start_as(estimate_hammerstein(mean, wet, order_, first, after_samples()));
  start_as({estimate_hammerstein(mean, wet, 1, first, 1).first, {}});
}

void Volterra::start_as(const HammersteinKernels& kernels) {
  const auto fitted = [](const at::Tensor& rows, std::int64_t samples) {
    auto out = at::zeros({rows.size(0), samples}, at::kDouble);
    const std::int64_t kept = std::min(samples, rows.size(1));
    out.slice(1, 0, kept).copy_(rows.slice(1, 0, kept));
    return out;
  };
  const at::Tensor& old = kernel("first");
  // The response is that of the inputs' mean.
  set_kernel("first", fitted(kernels.first, old.size(2)).unsqueeze(1).expand_as(old) / static_cast<double>(inputs()));
  for (std::size_t k = 0; k < kernels.higher.size(); ++k) {
    const std::string name = higher_[k].name;
    auto factors = kernel(name).detach().clone(), after = kernel(name + "_after").detach() * 0;
    factors.select(1, 0).zero_();
    factors.select(1, 0).select(-1, 0).fill_(1);
    after.select(1, 0).copy_(fitted(kernels.higher[k], after.size(2)));
    set_kernel(name, factors);
    set_kernel(name + "_after", after);
  }
}

TermModel::Parts Volterra::parts() const {
  Parts parts;
  parts.response = kernel("first");
  for (std::int64_t p = 2; p <= order_; ++p) {
    const std::string name = higher_[p - 2].name;
    parts.products.push_back(
        make_products(kernel(name), after_ms_ > 0 ? kernel(name + "_after") : at::Tensor(), oversampling_));
  }
  return parts;
}

std::int64_t Volterra::memory_samples() const {
  const at::NoGradGuard no_grad;
  const Parts all = parts();
  std::int64_t longest = all.response.size(2);
  for (const ProductTerms& products : all.products) longest = std::max(longest, products.memory_samples());
  return longest;
}

double Volterra::bound(double peak) const {
  const at::NoGradGuard no_grad;
  const Parts all = parts();
  auto most = all.response.abs().sum({1, 2}) * peak;  // [O]
  for (const ProductTerms& products : all.products) {
    const auto factors = products.factors.abs().sum({4, 5}) * peak;  // [O, G, R, P]
    auto groups = factors.prod(3).sum(2);
    if (products.after.defined()) groups = groups * products.after.abs().sum(2);
    most = most + groups.sum(1);
  }
  return most.max().item<double>();
}

std::int64_t Volterra::most_bytes(std::int64_t batch, std::int64_t samples, std::int64_t bytes_a_number) const {
  const at::NoGradGuard no_grad;
  const auto transform = [&](std::int64_t taps) {
    const std::int64_t least = samples + std::min(samples, taps);
    return static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(least))) + 2;
  };
  const Parts all = parts();
  // Of a convolution: spectra of its filters and of their products with the input, their gradients, what is summed up
  // meanwhile, and the signals.
  const auto of = [&](std::int64_t filters, std::int64_t sums, std::int64_t taps) {
    return transform(taps) * (4 * filters + 4 * batch * filters + 4 * batch * sums + 2 * batch * inputs());
  };
  std::int64_t numbers = of(outputs() * inputs(), outputs(), all.response.size(2));
  for (const ProductTerms& products : all.products) {
    const std::int64_t factors = products.factors.numel() / products.factors.size(5);
    numbers += of(factors, factors / inputs(), products.factors.size(5));
    if (products.after.defined()) {
      const std::int64_t filters = products.after.numel() / products.after.size(2);
      numbers += of(filters, outputs(), products.after.size(2));
    }
  }
  return numbers * bytes_a_number;
}

DIFFVERB_PART(models, volterra, Volterra,
              "A Volterra series to the third order in low rank: convolutions, and products of convolutions",
              "Volterra 1930; Favier et al. 2012")

}  // namespace diffverb
