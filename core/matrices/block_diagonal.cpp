#include <ATen/ops/block_diag.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/triu_indices.h>
#include <ATen/ops/zeros.h>

#include <numbers>
#include <vector>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/matrix_exponential.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// Coupled rooms: a rotation for the lines of each room, and angles by which rooms leak into one another.
///
///   A = U (P x I) U,  U = block_diag(U_1 .. U_R),  U_r = exp(S_r - S_r^T),  P = exp(C) [R, R]
///
/// so the block from room q to room r is P_rq U_r U_q, and without coupling room r has U_r^2. C is skew-symmetric and
/// holds the coupling angle of each pair of rooms (two rooms: P is the rotation by it); A is orthogonal for any of them.
/// Lines are given to rooms in turn of their number: the first N / R belong to room 1.
///
/// Reads    rooms; coupling_deg: every pair's angle at the start (0: apart; 45: two rooms share all)
/// Throws   ConfigError where N is not a multiple of the rooms
/// Source   Das, Abel and Canfield-Dafilou 2020, "Delay network architectures for room and coupled space modeling"; Das
///          and Abel 2021, "Grouped feedback delay networks for modeling of coupled spaces"
class BlockDiagonal final : public FeedbackMatrix {
 public:
  explicit BlockDiagonal(Fields& f) {
    f.optional("rooms", rooms_, between(1, 32));
    f.optional("coupling_deg", coupling_deg_, between(0, 90), "deg");
  }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    require_lines(*this, "block_diagonal", lines, ("a multiple of the " + std::to_string(rooms_) + " rooms").c_str());
    const std::int64_t each = lines / rooms_;
    std::vector<at::Tensor> blocks;
    for (std::int64_t r = 0; r < rooms_; ++r) {
      const auto rotation = haar_orthogonal(each, derive_seed(seed, "room " + std::to_string(r)), /*special=*/true);
      blocks.push_back(logarithm_of_rotation(rotation) / 4);  // U_r^2 is the drawn rotation
    }
    s_ = trainable(at::stack(blocks), dtype);
    const auto places = at::triu_indices(rooms_, rooms_, 1);
    rows_ = places[0], columns_ = places[1];
    const double angle = coupling_deg_ * std::numbers::pi / 180;
    angles_ = trainable(at::full({rooms_ * (rooms_ - 1) / 2}, angle, at::kDouble), dtype);
  }
  at::Tensor matrix() const override {
    require_reset(s_, "block_diagonal");
    const std::int64_t each = s_.size(1);
    std::vector<at::Tensor> blocks;
    for (std::int64_t r = 0; r < rooms_; ++r) {
      const auto s = s_[r].to(at::kDouble);
      blocks.push_back(matrix_exponential(s - s.t()));
    }
    const auto u = at::block_diag(blocks);
    const auto upper = at::zeros({rooms_, rooms_}, at::kDouble).index_put({rows_, columns_}, angles_.to(at::kDouble));
    const auto p = matrix_exponential(upper - upper.t());
    const auto mixed = p.mm(u.reshape({rooms_, each * u.size(1)})).reshape(u.sizes());  // (P x I) U
    return u.mm(mixed).to(s_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override {
    if (!s_.defined()) return {};
    std::map<std::string, at::Tensor> out{{"s", s_}};
    if (angles_.numel() > 0) out["coupling"] = angles_;
    return out;
  }
  bool exists_for(std::int64_t lines) const override { return lines >= rooms_ && lines % rooms_ == 0; }

 private:
  std::int64_t rooms_ = 2;
  double coupling_deg_ = 10;
  at::Tensor s_;               // [R, N / R, N / R]
  at::Tensor rows_, columns_;  // [R (R - 1) / 2]
  at::Tensor angles_;          // [R (R - 1) / 2] radians
};

}  // namespace

DIFFVERB_PART(matrices, block_diagonal, BlockDiagonal,
              "Coupled rooms: a trained rotation for each room's lines, and trained angles between rooms",
              "Das, Abel and Canfield-Dafilou 2020")

}  // namespace diffverb
