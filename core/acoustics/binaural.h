#pragma once

#include <complex>
#include <optional>
#include <span>
#include <vector>

namespace diffverb::acoustics {

/// Interaural cross-correlation coefficient of two channels between two times.
///
///   IACC = max_{|lag| <= 1 ms} | sum l(t) r(t + lag) | / sqrt(sum l^2 sum r^2),  t in [from_s, to_s)
///
/// Returns  0..1; nothing where either channel is silent there. Source ISO 3382-1 Annex B
std::optional<double> iacc(std::span<const double> left, std::span<const double> right, double rate_hz, double from_s,
                           double to_s);

/// IACC averaged over the 500, 1000 and 2000 Hz octaves.
struct Iacc {
  std::optional<double> early_e3;  ///< 0 to 80 ms
  std::optional<double> late_l3;   ///< 80 to 1000 ms
};

/// Reads    two channels of one response, the earlier onset at index 0 of both. Throws ContractError on unequal lengths
Iacc measure_iacc(std::span<const double> left, std::span<const double> right, double rate_hz);

/// Coherence of two channels in third octaves, over all of the signals given.
///
///   gamma(b) = sum_{f in b} L(f) conj R(f) / sqrt(sum |L|^2 sum |R|^2)
struct Coherence {
  double hz = 0;         ///< nominal centre
  double magnitude = 0;  ///< |gamma|, 0..1
  double real = 0;       ///< Re gamma, -1..1: the correlation at lag 0
};

/// One channel's transform, so that several pairs share it.
struct ChannelSpectrum {
  std::vector<std::complex<double>> bins;  // [fft_size / 2 + 1]
  double bin_hz = 0;
};

ChannelSpectrum channel_spectrum(std::span<const double> channel, double rate_hz);

/// Third octaves from_hz to to_hz. A band in which either channel is silent is left out.
///
/// Throws   ContractError unless both channels are equally long
std::vector<Coherence> measure_coherence(const ChannelSpectrum& left, const ChannelSpectrum& right,
                                         double from_hz = 125, double to_hz = 8000);
std::vector<Coherence> measure_coherence(std::span<const double> left, std::span<const double> right, double rate_hz,
                                         double from_hz = 125, double to_hz = 8000);

}  // namespace diffverb::acoustics
