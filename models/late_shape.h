#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/fields.h"
#include "core/tensor.h"
#include "models/room_design.h"

namespace diffverb {

/// What stands around a network that imitates a measured room: an equaliser an output, and the exact early part.
///
///   h = EQ_o * (C s)_o,    y = w x + (1 - w) h
///
/// EQ_o is a third-octave peaking cascade, its highest band a shelf; x is the measured response and w falls from 1 to 0
/// over crossfade_ms up to early_ms. The early part is the FIR w (x - h) beside the network: exact, and zero after
/// early_ms, so what decays is the network.
class LateShape {
 public:
  explicit LateShape(Fields& fields);

  /// The equaliser's bands at this rate; the first thing that a design needs.
  const std::vector<double>& start(double sample_rate_hz);
  /// Lengths and windows. Reads ir [C, T] float64.
  void design(const at::Tensor& ir, const RoomDesign& room);
  /// Equaliser gains from the energy by third octave after the early part, target over network, a few times over:
  /// sections overlap. What all bands have in common goes into the output gains instead.
  /// Reads    plain: the network's response without equaliser, [C, T], as it now is
  ///          scale_output(c, factor): multiplies the gains of output c
  void start_levels(const RoomDesign& room, const std::function<at::Tensor()>& plain,
                    const std::function<void(std::int64_t, double)>& scale_output);
  void move_to(at::Device device);

  at::Tensor output_sos() const;                          // [C, S, 5] float64
  at::Tensor equalise(const at::Tensor& plain) const;     // h, [C, T]
  at::Tensor with_early_part(const at::Tensor& h) const;  // y, [C, T]
  at::Tensor early_part(const at::Tensor& h) const;       // [C, L] float32: w (x - h)
  at::Tensor& gains_db() { return eq_db_; }               // [C, bands] float64, a leaf
  const at::Tensor& gains_db() const { return eq_db_; }

  double sample_rate_hz() const { return rate_hz_; }
  double early_ms() const { return early_ms_; }
  std::int64_t samples() const { return samples_; }
  std::int64_t channels() const { return channels_; }

 private:
  double early_ms_ = 80, crossfade_ms_ = 10, output_q_ = 4.3;
  double rate_hz_ = 0;
  std::int64_t samples_ = 0, channels_ = 0, fft_size_ = 0;
  std::vector<double> eq_hz_;
  at::Tensor target_;  // [C, T] float32
  at::Tensor window_;  // [T] w
  at::Tensor omega_;   // [K]
  at::Tensor eq_db_;
};

}  // namespace diffverb
