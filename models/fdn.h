#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/matrices/matrix.h"
#include "core/network/delay_network.h"
#include "core/tensor.h"
#include "models/room_model.h"

namespace diffverb {

/// A feedback delay network with an early part, fitted to one measured response.
///
///   h = EQ_o * (C s)_o,    y = w x + (1 - w) h
///
/// s are the line outputs of a delay network with an orthogonal feedback matrix and line filters that can only cut
/// (core/filters/attenuation.h); equaliser and early part are those of models/late_shape.h. With two slopes the lines
/// form two groups that do not mix, each with its
/// own decay times.
///
/// Gradient to feedback matrix, b, c, decay rates, equaliser, and delays where they are learned
/// Source   Jot and Chaigne 1991; Schlecht and Habets 2017; Dal Santo et al. 2024
class Fdn final : public RoomModel {
 public:
  explicit Fdn(Fields& fields);

  void design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t seed, std::int64_t groups_wanted = 0) override;
  void move_to(at::Device device) override;
  const RoomDesign& room() const override { return *room_; }
  bool groups_are_free() const override { return groups_ == 0; }

  std::map<std::string, at::Tensor> parameters() const override;
  double rate_scale(const std::string& parameter) const override;
  DelayNetwork network() const override;

 private:
  at::Tensor matrix_of(std::size_t group) const;
  void start_rates();

  std::int64_t lines_ = 16;
  std::int64_t groups_ = 0;
  double attenuation_q_ = 1.41, longest_s_ = 10;
  std::int64_t cuts_per_octave_ = 1;
  bool learn_delays_ = false;

  std::vector<std::unique_ptr<FeedbackMatrix>> matrices_;  // one a group
  std::shared_ptr<RoomDesign> room_;
  double rate_hz_ = 0;
  std::int64_t channels_ = 0;
  std::vector<double> cut_hz_;
  std::vector<std::int64_t> group_lines_;
  at::Tensor delays_, b_, c_;
  std::vector<at::Tensor> rates_;  // a group: [cuts + 1]
  std::vector<at::Tensor> fixed_;  // a group: a matrix without parameters, else undefined
  double rate_unit_ = 1;           // decay rates are stored relative to this, so that one learning rate fits all rooms
};

}  // namespace diffverb
