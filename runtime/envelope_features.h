#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace diffverb::runtime {

/// The rate at which a response is looked at; the cells below are whole numbers of its samples.
inline constexpr double kEnvelopeFeaturesHz = 48000;

/// How many numbers describe a response in K bands: K G levels, G shares of known bands and K bands known, for G
/// stretches of time.
std::size_t envelope_features_count(std::size_t bands);

/// What an envelope encoder is given of a response: its energy in bands and stretches of time, and what of it is known.
///
/// Bands are those of band_weight(); the energy of each is summed over cells of 4 ms to 0.5 s after the onset, 16 ms to
/// 2.1 s, 64 ms to 8.3 s, divided by that of all, and gathered in stretches that grow with the time since the onset:
///
///     level(k, g) = clamp(log10(energy(k, g) / seconds(g) + 1e-10) / 2 + 1, -4, 4)
///
/// A level is 0 where less than half of the stretch is known: behind the end of the response, or in a band so high that
/// the file's rate left nothing in it. The training's own are models/envelope/analysis.h and EnvelopeAutoencoder::map_of.
///
/// Reads    samples: at 48 kHz, finite; onset: index of the direct sound; before: samples ahead of it that count too, at
///          most 2400; centres_hz: rising
/// Returns  level [K, G], share of the bands that are known [G], known [K]; nothing for a response without sound
std::vector<float> envelope_features(std::span<const float> samples, std::size_t onset, std::size_t before,
                                     const std::vector<double>& centres_hz);

}  // namespace diffverb::runtime
