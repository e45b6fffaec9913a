#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/stack.h>

#include <numbers>
#include <vector>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// A product of plane rotations with trained angles, in layers that turn every line with one other at once.
///
///   A = L_D .. L_2 L_1,  in a layer [a; b] -> [cos x  -sin x; sin x  cos x] [a; b] for pairs (a, b) of lines
///
/// full: N layers of neighbours, (0, 1), (2, 3) .. and (1, 2), (3, 4) .. in turn: N (N - 1) / 2 angles, which reach every
/// rotation. butterfly: log2 N layers of lines 1, 2, 4 .. apart, as in a fast Fourier transform: N / 2 log2 N angles, and
/// as many operations a sample as a Hadamard matrix (which it holds, up to signs, at angles of 45 degrees).
///
/// Reads    layout: full or butterfly
/// Throws   ConfigError where N is not a power of two, for the butterfly
/// Source   Clements et al. 2016, "Optimal design for universal multiport interferometers"; Dao et al. 2019, "Learning
///          fast algorithms for linear transforms using butterfly factorizations"
class Givens final : public FeedbackMatrix {
 public:
  explicit Givens(Fields& f) { f.choice("layout", layout_, {"full", "butterfly"}); }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    require_lines(*this, "givens", lines, "a power of two for layout: butterfly");
    lines_ = lines;
    layers_.clear();
    if (layout_ == "full") {
      for (std::int64_t layer = 0; layer < lines; ++layer) layers_.push_back({layer % 2, (lines - layer % 2) / 2, 1});
    } else {
      for (std::int64_t apart = 1; apart < lines; apart *= 2) layers_.push_back({0, lines / (2 * apart), apart});
    }
    std::int64_t count = 0;
    for (const Layer& layer : layers_) count += layer.groups * layer.apart;
    Random random(seed, "givens");
    auto angles = at::empty({count}, at::kDouble);
    for (std::int64_t i = 0; i < count; ++i)
      angles.mutable_data_ptr<double>()[i] = random.uniform(-std::numbers::pi, std::numbers::pi);
    angles_ = trainable(angles, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(angles_, "givens");
    const auto angles = angles_.to(at::kDouble);
    const auto c = angles.cos(), s = angles.sin();
    auto a = at::eye(lines_, angles.options().requires_grad(false));
    std::int64_t used = 0;
    for (const Layer& layer : layers_) {
      const std::int64_t count = layer.groups * layer.apart, rows = 2 * count;
      if (count == 0) continue;
      const auto of_layer = [&](const at::Tensor& x) {
        return x.slice(0, used, used + count).reshape({layer.groups, layer.apart, 1});
      };
      const auto cosine = of_layer(c), sine = of_layer(s);
      const auto pairs = a.slice(0, layer.first, layer.first + rows).reshape({layer.groups, 2, layer.apart, lines_});
      const auto low = pairs.select(1, 0), high = pairs.select(1, 1);
      const auto turned =
          at::stack({cosine * low - sine * high, sine * low + cosine * high}, 1).reshape({rows, lines_});
      a = rows == lines_ ? turned : at::cat({a.slice(0, 0, layer.first), turned, a.slice(0, layer.first + rows)});
      used += count;
    }
    return a.to(angles_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override {
    if (!angles_.defined() || angles_.numel() == 0) return {};
    return {{"angles", angles_}};
  }
  bool exists_for(std::int64_t lines) const override {
    return lines >= 1 && (layout_ == "full" || (lines & (lines - 1)) == 0);
  }

 private:
  struct Layer {
    std::int64_t first, groups, apart;  // pairs of lines `apart`, in groups of 2 `apart` lines from line `first` on
  };

  std::string layout_ = "full";
  std::int64_t lines_ = 0;
  std::vector<Layer> layers_;
  at::Tensor angles_;
};

}  // namespace

DIFFVERB_PART(matrices, givens, Givens, "Product of plane rotations with trained angles: all of them, or a butterfly",
              "Clements et al. 2016; Dao et al. 2019")

}  // namespace diffverb
