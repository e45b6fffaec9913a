#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/matrices/matrix.h"
#include "core/network/delay_network.h"
#include "models/model.h"
#include "models/room_design.h"

namespace diffverb {

/// A feedback delay network with an early part, fitted to one measured response.
///
///   h = EQ_o * (C s)_o,    y = w x + (1 - w) h
///
/// s are the line outputs of a delay network with an orthogonal feedback matrix and line filters that can only cut
/// (core/filters/attenuation.h); EQ_o is a third-octave peaking cascade an output,
/// its highest band a shelf; x is the measured response and w falls from 1 to
/// 0 over crossfade_ms up to early_ms. The early part is the FIR w (x - h) beside the network: exact, and zero after
/// early_ms, so what decays is the network. With two slopes the lines form two groups that do not mix, each with its
/// own decay times.
///
/// Returns  forward(): "ir" [1, C, T] = y, "feedback_matrix" [N, N]
/// Gradient to feedback matrix, b, c, decay rates, equaliser, and delays where they are learned
/// Source   Jot and Chaigne 1991; Schlecht and Habets 2017; Dal Santo et al. 2024
class Fdn final : public Model {
 public:
  explicit Fdn(Fields& fields);

  /// Sets delays, decay rates, gains and equaliser from a measured response, so that step 0 is already near.
  /// Reads    ir [C, T] float64 from its onset on (a few samples before it may stand there), unit scale of the caller's
  ///          choice
  ///          groups_wanted 1 or 2 stands in for `groups: 0`, to try both; 0 follows the analysis
  /// Throws   DataError where nothing decays; ConfigError where the matrix does not exist for this number of lines
  void design(const torch::Tensor& ir, double sample_rate_hz, std::uint64_t seed, std::int64_t groups_wanted = 0);
  const RoomDesign& room() const { return *room_; }
  /// Takes parameters and constants to a device; design() leaves them on the CPU.
  void move_to(torch::Device device);

  std::map<std::string, torch::Tensor> parameters() const override;
  double rate_scale(const std::string& parameter) const override;
  Response forward(const Response& target = {}) override;

  DelayNetwork network() const;                      // without equaliser and early part
  torch::Tensor output_sos() const;                  // [C, S, 5] float64
  torch::Tensor early_part() const;                  // [C, L] float32: w (x - h)
  std::int64_t samples() const { return samples_; }  // that forward() computes
  bool groups_are_free() const { return groups_ == 0; }
  double early_ms() const { return early_ms_; }
  double sample_rate_hz() const { return rate_hz_; }

 private:
  torch::Tensor matrix_of(std::size_t group) const;
  torch::Tensor shaped_response(const DelayNetwork& network) const;  // h, [C, T]
  void start_levels();
  void start_rates();

  std::int64_t lines_ = 16;
  double early_ms_ = 80, crossfade_ms_ = 10;
  std::int64_t groups_ = 0;
  double attenuation_q_ = 1.41, output_q_ = 4.3, longest_s_ = 10;
  std::int64_t cuts_per_octave_ = 1;
  bool learn_delays_ = false;

  std::vector<std::unique_ptr<FeedbackMatrix>> matrices_;  // one a group
  std::shared_ptr<RoomDesign> room_;
  double rate_hz_ = 0;
  std::int64_t samples_ = 0, channels_ = 0, fft_size_ = 0;
  std::vector<double> cut_hz_, eq_hz_;
  std::vector<std::int64_t> group_lines_;
  torch::Tensor target_;  // [C, T] float32
  torch::Tensor window_;  // [T] w
  torch::Tensor omega_;   // [K]
  torch::Tensor delays_, b_, c_, eq_db_;
  std::vector<torch::Tensor> rates_;  // a group: [cuts + 1]
  std::vector<torch::Tensor> fixed_;  // a group: a matrix without parameters, else undefined
  double rate_unit_ = 1;  // decay rates are stored relative to this, so that one learning rate fits all rooms
};

}  // namespace diffverb
