#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"

namespace diffverb {
namespace {

bool is_prime(std::int64_t n) {
  for (std::int64_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

std::int64_t whole_root(std::int64_t n) { return std::llround(std::sqrt(static_cast<double>(n))); }

/// GF(p) as 0 .. p - 1, GF(p^2) as a + b p for a + b w with w^2 = a number that is no square modulo p.
class Field {
 public:
  explicit Field(std::int64_t q) : q_(q), p_(is_prime(q) ? q : whole_root(q)), square_(q, false) {
    if (q_ != p_) {
      std::vector<bool> squares(p_, false);
      for (std::int64_t a = 1; a < p_; ++a) squares[a * a % p_] = true;
      for (std::int64_t a = 2; a < p_ && w2_ == 0; ++a) w2_ = squares[a] ? 0 : a;
    }
    for (std::int64_t x = 1; x < q_; ++x) {
      const std::int64_t a = x % p_, b = x / p_;
      square_[(a * a + w2_ * (b * b % p_)) % p_ + 2 * a * b % p_ * p_] = true;
    }
  }
  /// The quadratic character of i - j: 0, 1 for squares, -1.
  int character(std::int64_t i, std::int64_t j) const {
    if (i == j) return 0;
    const std::int64_t a = (i % p_ - j % p_ + p_) % p_, b = (i / p_ - j / p_ + p_) % p_;
    return square_[a + b * p_] ? 1 : -1;
  }

 private:
  std::int64_t q_, p_, w2_ = 0;
  std::vector<bool> square_;
};

/// Mathon's matrix of order 3^2 (3 + 2) + 1 = 46 without its first line, entry (u, v) of places 9 i + 3 x + y, i modulo
/// 5, x and y modulo 3: whether v hears u depends on the step in i.
int mathon(std::int64_t u, std::int64_t v) {
  if (u == v) return 0;
  const std::int64_t step = (v / 9 - u / 9 + 5) % 5;
  if (step > 2) return mathon(v, u);
  const std::int64_t x = u / 3 % 3, other = v / 3 % 3, y = u % 3, dy = (v % 3 - y + 3) % 3;
  bool joined = false;
  if (step == 0) joined = x != other && dy != ((other - x + 3) % 3 == 1 ? 2 : 1);
  if (step == 1) joined = dy == (1 + x + other) % 3;
  if (step == 2) joined = v % 3 != x;
  return joined ? 1 : -1;
}

/// A symmetric conference matrix, fixed: no line feeds itself, and every line feeds every other one alike.
///
///   A = C / sqrt(N - 1),  C = C^T,  C_ii = 0,  C_ij = +-1,  C C^T = (N - 1) I
///
/// N = q + 1: row and column 0 are ones, and C_ij is the quadratic character of x_i - x_j in GF(q), for a prime q (by
/// Legendre's symbol) and the square of one (9, 25, 49) with q mod 4 = 1; N = 46 is Mathon's, since 45 is no power of a
/// prime; N = 2 is the exchange of two lines. For N up to 64 these are all that exist: N - 1 has to be a sum of two
/// squares.
///
/// Throws   ConfigError for another N
/// Source   Paley 1933, "On orthogonal matrices"; Mathon 1978, "Symmetric conference matrices of order pq^2 + 1"
class Conference final : public FeedbackMatrix {
 public:
  explicit Conference(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t, at::ScalarType dtype) override {
    require_lines(*this, "conference", lines,
                  lines <= 64 ? "one of 2, 6, 10, 14, 18, 26, 30, 38, 42, 46, 50, 54, 62, the nearest"
                              : "46 or q + 1, q a prime or the square of one, q mod 4 = 1, the nearest");
    auto c = at::zeros({lines, lines}, at::kDouble);
    auto* entries = c.mutable_data_ptr<double>();
    const double size = 1 / std::sqrt(static_cast<double>(lines - 1));
    const Field field(lines == 2 || lines == 46 ? 5 : lines - 1);
    for (std::int64_t i = 0; i < lines; ++i) {
      for (std::int64_t j = 0; j < lines; ++j) {
        int sign = i != j;
        if (i > 0 && j > 0) sign = lines == 46 ? mathon(i - 1, j - 1) : lines == 2 ? 0 : field.character(i - 1, j - 1);
        entries[i * lines + j] = sign * size;
      }
    }
    a_ = c.to(dtype);
  }
  at::Tensor matrix() const override {
    require_reset(a_, "conference");
    return a_;
  }
  bool exists_for(std::int64_t lines) const override {
    const std::int64_t q = lines - 1, root = whole_root(std::max<std::int64_t>(q, 0));
    if (lines == 2 || lines == 46) return true;
    return q > 1 && q % 4 == 1 && (is_prime(q) || (root * root == q && is_prime(root)));
  }

 private:
  at::Tensor a_;  // [N, N]
};

}  // namespace

DIFFVERB_PART(
    matrices, conference, Conference,
    "Fixed, symmetric, zero diagonal, all else +-1 / sqrt(N - 1); N = 2, 6, 10, 14, 18, 26, 30, 38, 42, 46, ..",
    "Paley 1933; Mathon 1978")

}  // namespace diffverb
