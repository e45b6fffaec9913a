#pragma once

#include "core/tensor.h"

namespace diffverb {

/// What microphones heard, and where.
struct MicrophoneArray {
  at::Tensor positions;  // [M, D] metres, float64
  at::Tensor signals;    // [M, T] float64
  double rate_hz = 0, speed_m_s = 343;
};

/// Signals at other places, positions [N, D], from those of an array: [N, T]. What a network has to be better than.

/// That of the nearest microphone.
at::Tensor nearest(const MicrophoneArray& array, const at::Tensor& positions);

/// s(x) = a + sum_m w_m |x - x_m|: on a line the straight lines between neighbours.
/// Source   Wendland 2005, Scattered data approximation (this and the next)
at::Tensor linear(const MicrophoneArray& array, const at::Tensor& positions);

/// s(x) = a + b x + sum_m w_m |x - x_m|^3: on a line the natural cubic spline.
at::Tensor cubic(const MicrophoneArray& array, const at::Tensor& positions);

/// At each frequency the smallest sum of plane waves from all directions that gives the signals: kernel regression with
/// sin(kr)/(kr) in a room, J0(kr) on a plane, cos(kr) on a line, regularised by 0.001. It knows the wave equation, and
/// neither walls nor time.
/// Source   Ueno, Koyama and Saruwatari 2018, Kernel ridge regression with constraint of Helmholtz equation
at::Tensor plane_waves(const MicrophoneArray& array, const at::Tensor& positions);

}  // namespace diffverb
