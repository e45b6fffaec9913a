#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/seed.h"
#include "core/tensor.h"
#include "models/waveform/layers.h"

namespace diffverb {

/// Where a waveform and its frames lie. Frame f stands at sample kWaveHop f + kWaveHop / 2.
inline constexpr double kWaveRateHz = 16000;
inline constexpr std::int64_t kWaveHop = 32, kWaveTaps = 256, kWaveFrames = 1024, kWaveSamples = kWaveHop * kWaveFrames;
inline constexpr std::int64_t kWaveSeedFrames = 16, kWaveGrowth = 4;  // 16, 64, 256, 1024 frames
inline constexpr std::int64_t kWaveEarlySamples = 512;

struct WaveSizes {
  std::int64_t latent = 64, channels = 48, bands = 64;  // bands: filters of each bank, even
  std::int64_t onset_samples = 64;
};

/// A waveform down to a latent point.
///
///   e = log |filters|^2,  [C, 1024] -> blocks, / 4 -> blocks, / 4 -> blocks, / 4 -> [C, 16] -> z = 2 tanh(y / 2)
///
/// The filters are learned, strided by 2 ms; the squares of each pair are added and their logarithm taken, because a
/// tail 60 dB down matters as much as an onset. Blocks are WaveBlock of dilations 1, 4, 16 (the first stage 1 and 4).
///
/// Reads    ir [B, T] at 16 kHz, T = 32768, of unit energy
/// Returns  [B, latent], each in (-2, 2)
/// Source   Engel et al. 2017, NSynth (dilated convolutions down to an embedding); Zeghidour et al. 2021, LEAF
class WaveEncoder {
 public:
  WaveEncoder(const WaveSizes& sizes, at::ScalarType type);

  void reset(Random& random);
  at::Tensor forward(const at::Tensor& ir) const;
  void add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;

 private:
  struct Stage {
    std::vector<WaveBlock> blocks;
    WaveConv down;
  };
  WaveSizes sizes_;
  at::Tensor front_;  // [bands, 1, taps]
  WaveConv in_, out_;
  std::vector<Stage> stages_;
};

/// A latent point and noise to a waveform, at once (not sample by sample).
///
///   c   = seed(z) [C, 16], three times: four times as many frames by linear interpolation, then WaveBlocks: [C, 1024]
///   x_0 = W [n; pulse],  x_i+1 = WaveBlock_i(x_i | z, c), dilations 1, 2, 4, ..., 64,  u = n + V leaky(x_7)
///   g_k = ln(exp(level_k - rate_k t) + exp(floor_k)) + 4 tanh((G c)_k / 4)
///   y   = sum_k,f u_k(f) exp(g_k(f)) filter_k(t - 32 f) + early(t - onset)
///
/// n [bands, 1024] is white; level, rate and floor are linear in z, so that a room's decay is a matter of two numbers a
/// band and the network's frames add what is not exponential. Filters and the early part (512 samples) are learned.
/// A frame depends on the noise of 127 frames to either side: 510 ms, with the filters 525 ms.
///
/// Reads    z [B, latent], noise [B or 1, bands, 1024]
/// Returns  [B, T], T = 32768, silent before the onset; its level means nothing
/// Source   van den Oord et al. 2016, WaveNet; Steinmetz et al. 2021, FiNS; Lin et al. 2024, DECOR (slopes)
class WaveDecoder {
 public:
  WaveDecoder(const WaveSizes& sizes, at::ScalarType type);

  void reset(Random& random);
  at::Tensor forward(const at::Tensor& z, const at::Tensor& noise) const;
  void add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const;

 private:
  at::Tensor condition(const at::Tensor& z) const;                      // [B, C, 1024]
  at::Tensor log_gain(const at::Tensor& z, const at::Tensor& c) const;  // [B, bands, 1024]

  WaveSizes sizes_;
  at::ScalarType type_;
  WaveConv seed_, level_, rate_, floor_, gain_, early_, in_, out_;
  std::vector<std::vector<WaveBlock>> growth_;
  std::vector<WaveBlock> blocks_;
  at::Tensor filters_;  // [bands, 1, taps]
};

/// Four times as many frames: linear between the centres of the old ones, constant beyond the first and the last.
at::Tensor four_times(const at::Tensor& x);

}  // namespace diffverb
