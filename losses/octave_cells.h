#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/acoustics/filters.h"
#include "core/tensor.h"

namespace diffverb {

/// What is known of a target's energy in octaves.
struct KnownCells {
  at::Tensor known;  // [B, C O, cells], 1 until decay and noise are equally strong (Lundeby), then 0; 0 without a decay
  at::Tensor tail;   // [B, C O, 1], energy of the decay beyond that as a share of what is known
  at::Tensor begin_s;  // [B, C O, 1], where the octave's response begins: onset of the channel and delay of the filter
};

/// Energy of an impulse response in octaves and cells of 1 ms, in the response's own type.
///
///   E(o, k) = sum_{t in cell k} h_o(t)^2,   h_o = h through the third-order Butterworth filter of octave o
///
/// Octaves are those of core/acoustics/filters.h, filters causal, as the analysis has them. They are applied in
/// frequency, all in one transform, with room for what they ring.
class OctaveCells {
 public:
  static constexpr double kCellSeconds = 0.001;

  /// Reads    target [B, C, T]: shape, type and device of what will be measured; loss: who refuses
  /// Throws   ContractError where there is no octave within [from_hz, to_hz] at this rate, or T is shorter than a cell
  OctaveCells(const std::string& loss, const at::Tensor& target, double rate_hz, double from_hz, double to_hz);

  std::int64_t cells() const { return cells_; }
  /// [B, C O, cells] of ir [B, C, T]. Gradient to ir
  at::Tensor energy(const at::Tensor& ir) const;
  /// The share of each cell that lies before a time: [..., cells] of time_s [..., 1].
  at::Tensor share_before(const at::Tensor& time_s) const;
  /// Of a target, whose octaves' noise floors are looked for each by itself (core/acoustics/decay.h).
  KnownCells known(const at::Tensor& target) const;

 private:
  double rate_hz_;
  std::vector<acoustics::Band> octaves_;
  std::int64_t cell_ = 0, cells_ = 0, fft_size_ = 0;  // cell: samples
  at::Tensor filters_;                                // [O, F] complex
};

}  // namespace diffverb
