#pragma once

#include <cstdint>
#include <string>

#include "models/hammerstein.h"
#include "models/term_model.h"

namespace diffverb {

/// A Volterra series up to the third order, its kernels in low rank.
///
///   y_o = sum_i h_oi * u_i + sum_{p = 2, 3} sum_r a_opr * prod_{j = 1..p} sum_i b_oprji * u_i
///
/// so that h_p = sum_r b_pr1 o ... o b_prp where there is no filter a behind the products (after_ms: 0). What the first
/// order lasts may be seconds, the factors of the higher ones tens of milliseconds: each factor is a convolution by FFT. It
/// begins as decaying noise, drawn from the seed: a diffuse space that is slightly nonlinear.
///
/// Aliasing  at oversampling 1 products fold back below half the rate what they have above it, as the sampled series does
///           by definition; at 2 they do not (models/product_terms.h), and come kHalfBandDelay samples later
/// Memory    O I (L1 + 2 R2 L2 + 3 R3 L3) + O (R2 + R3) A numbers, where full kernels have O (I L1 + (I L2)^2 + (I L3)^3);
///           a play with its gradient holds most_bytes(), linear in the ranks and in T + L. An output sample depends on
///           memory_samples() of the input
/// Bound     |y_o| <= sum_i |h_oi|_1 x + sum_p sum_r |a_opr|_1 prod_j (sum_i |b_oprji|_1) x^p for |u| <= x: bound(x)
/// Reads     order: 1 to 3; first_ms, second_ms, third_ms, second_rank, third_rank, after_ms, oversampling; of the start
///           t60_s, second_level_db and third_level_db (of white noise of unit power through those orders, the first at 0);
///           or kernels: a file of diffverb data deconvolve --kernels, as start_as() takes it
/// Gradient  to all kernels, factors and filters, and to the input
/// Source    Volterra 1930; low rank: Favier, Kibangou and Bouilloc, IJACSP 26, 2012
class Volterra final : public TermModel {
 public:
  explicit Volterra(Fields& fields) : Volterra(fields, SignalShape::read(fields)) {}
  Volterra(Fields& fields, const SignalShape& shape);

  Parts parts() const override;
  std::int64_t samples() const override { return memory_samples(); }
  /// The first order by least squares; with one input and filters behind the products, at oversampling 1, jointly with the
  /// first product of each order as a plain power of the input.
  void start_from(const at::Tensor& dry, const at::Tensor& wet, std::int64_t response_samples,
                  std::uint64_t seed) override;
  /// Whether start_as() is exact.
  bool takes_hammerstein() const { return inputs() == 1 && after_ms_ > 0 && oversampling_ == 1; }
  /// The first product of each order becomes the power of the input behind its response; what follows a product of the
  /// others becomes 0, to be learned.
  void start_as(const HammersteinKernels& kernels);
  std::int64_t after_samples() const { return shape().samples_of(after_ms_); }
  std::int64_t memory_samples() const;
  double bound(double peak) const;
  /// What a play of this many samples and its gradient hold at most, beside the input and the parameters.
  std::int64_t most_bytes(std::int64_t batch, std::int64_t samples, std::int64_t bytes_a_number) const;

  std::int64_t order() const { return order_; }
  std::int64_t oversampling() const { return oversampling_; }
  /// "first" [O, I, L], "second" [O, R, 2, I, L], "third" [O, R, 3, I, L], "second_after", "third_after" [O, R, A].
  const at::Tensor& kernel(const std::string& name) const { return (*this)[name]; }
  bool has_kernel(const std::string& name) const { return has(name); }
  /// Throws   ContractError for another shape
  void set_kernel(const std::string& name, const at::Tensor& value) { set(name, value); }

 private:
  struct Order {
    const char* name;
    double ms;
    std::int64_t rank;
    double level_db;
  };
  void draw(double t60_s, std::uint64_t seed);

  std::int64_t order_ = 3, oversampling_ = 1;
  double first_ms_ = 1000, after_ms_ = 0;
  Order higher_[2] = {{"second", 30, 4, -30}, {"third", 20, 2, -40}};
};

}  // namespace diffverb
