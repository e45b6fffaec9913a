#include "models/waveform/networks.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/conv_transpose1d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr double kSlope = 0.1, kLatentBound = 2;
constexpr std::int64_t kPadding = (kWaveTaps - kWaveHop) / 2;
constexpr double kLeastEnergy = 1e-10;
constexpr double kUsualRate = 11.5;     // nepers a second: 60 dB in 0.6 s
constexpr double kLargestFactor = 2.5;  // e^2.5 times slower or faster
constexpr double kUsualFloor = -9, kLargestGain = 4;
constexpr double kPulse = 3;  // the early part begins as a pulse, about as loud as the noise

std::vector<WaveBlock> make_blocks(const WaveBlock::Sizes& sizes, std::initializer_list<std::int64_t> dilations,
                                   at::ScalarType type) {
  std::vector<WaveBlock> blocks;
  for (const std::int64_t dilation : dilations) blocks.push_back(WaveBlock::make(sizes, dilation, type));
  return blocks;
}

at::Tensor make_filters(std::int64_t bands, at::ScalarType type) {
  return mel_wavelets(bands / 2, kWaveTaps, kWaveRateHz).to(type).unsqueeze(1).set_requires_grad(true);
}

at::Tensor along(const std::vector<WaveBlock>& blocks, at::Tensor x, const at::Tensor& z, const at::Tensor& c) {
  for (const WaveBlock& block : blocks) x = block.forward(x, z, c);
  return x;
}

void add_blocks(const std::vector<WaveBlock>& blocks, const std::string& prefix,
                std::map<std::string, at::Tensor>& to) {
  for (std::size_t i = 0; i < blocks.size(); ++i)
    blocks[i].add_parameters(prefix + ".block" + std::to_string(i + 1), to);
}

void reset_blocks(std::vector<WaveBlock>& blocks, Random& random) {
  for (WaveBlock& block : blocks) block.reset(random);
}

}  // namespace

at::Tensor four_times(const at::Tensor& x) {
  return at::upsample_linear1d(x, at::IntArrayRef{kWaveGrowth * x.size(2)}, false, c10::optional<double>{});
}

WaveEncoder::WaveEncoder(const WaveSizes& sizes, at::ScalarType type)
    : sizes_(sizes), front_(make_filters(sizes.bands, type)) {
  const std::int64_t c = sizes.channels;
  in_ = WaveConv::make(sizes.bands / 2, c, 1, type);
  for (int stage = 0; stage < 3; ++stage) {
    auto blocks = stage == 0 ? make_blocks({c}, {1, 4}, type) : make_blocks({c}, {1, 4, 16}, type);
    stages_.push_back({std::move(blocks), WaveConv::make(c, c, kWaveGrowth, type)});
  }
  out_ = WaveConv::make(c * kWaveSeedFrames, sizes.latent, 1, type);
}

void WaveEncoder::reset(Random& random) {
  in_.reset(random, std::sqrt(3.0));
  for (Stage& stage : stages_) {
    reset_blocks(stage.blocks, random);
    stage.down.reset(random, std::sqrt(3.0));
  }
  out_.reset(random, 1);
}

at::Tensor WaveEncoder::forward(const at::Tensor& ir) const {
  const auto y = at::conv1d(ir.unsqueeze(1), front_, {}, {kWaveHop}, {kPadding});
  const auto square = y.square(),
             energy = square.narrow(1, 0, sizes_.bands / 2) + square.narrow(1, sizes_.bands / 2, sizes_.bands / 2);
  auto x = in_.forward(0.2 * (energy + kLeastEnergy).log() + 3);
  for (const Stage& stage : stages_) x = stage.down.forward(along(stage.blocks, x, {}, {}), 1, kWaveGrowth);
  return kLatentBound * (out_.forward(x.flatten(1)) / kLatentBound).tanh();
}

void WaveEncoder::add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  to[prefix + "filters"] = front_;
  in_.add_parameters(prefix + "in", to);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const std::string stage = prefix + "stage" + std::to_string(i + 1);
    add_blocks(stages_[i].blocks, stage, to);
    stages_[i].down.add_parameters(stage + ".down", to);
  }
  out_.add_parameters(prefix + "out", to);
}

WaveDecoder::WaveDecoder(const WaveSizes& sizes, at::ScalarType type)
    : sizes_(sizes), type_(type), filters_(make_filters(sizes.bands, type)) {
  const std::int64_t c = sizes.channels, latent = sizes.latent, bands = sizes.bands;
  seed_ = WaveConv::make(latent, c * kWaveSeedFrames, 1, type);
  growth_.push_back(make_blocks({c, latent, 0}, {1, 4}, type));
  growth_.push_back(make_blocks({c, latent, 0}, {1, 4}, type));
  growth_.push_back(make_blocks({c, latent, 0}, {1}, type));
  level_ = WaveConv::make(latent, bands, 1, type);
  rate_ = WaveConv::make(latent, bands, 1, type);
  floor_ = WaveConv::make(latent, bands, 1, type);
  gain_ = WaveConv::make(c, bands, 1, type);
  early_ = WaveConv::make(latent, kWaveEarlySamples, 1, type);
  in_ = WaveConv::make(bands + 1, c, 1, type);
  blocks_ = make_blocks({c, latent, c}, {1, 2, 4, 8, 16, 32, 64}, type);
  out_ = WaveConv::make(c, bands, 1, type);
}

void WaveDecoder::reset(Random& random) {
  seed_.reset(random, std::sqrt(3.0));
  for (auto& blocks : growth_) reset_blocks(blocks, random);
  for (WaveConv* layer : {&level_, &rate_, &floor_, &gain_, &early_, &out_}) layer->reset(random, 0.1);
  in_.reset(random, std::sqrt(3.0));
  reset_blocks(blocks_, random);
  const at::NoGradGuard guard;
  early_.bias[0] = kPulse;
}

at::Tensor WaveDecoder::condition(const at::Tensor& z) const {
  auto c = at::leaky_relu(seed_.forward(z), kSlope).reshape({z.size(0), sizes_.channels, kWaveSeedFrames});
  for (const auto& blocks : growth_) c = along(blocks, four_times(c), z, {});
  return c;
}

at::Tensor WaveDecoder::log_gain(const at::Tensor& z, const at::Tensor& c) const {
  const double frame_s = static_cast<double>(kWaveHop) / kWaveRateHz;
  const double onset = static_cast<double>(sizes_.onset_samples) / kWaveHop;
  const auto t = (at::arange(kWaveFrames, z.options()) + 0.5 - onset).clamp_min(0) * frame_s;
  const auto factor = kLargestFactor * (rate_.forward(z) / kLargestFactor).tanh();
  const auto rate = (kUsualRate * factor.exp()).unsqueeze(-1);
  const auto slope = level_.forward(z).unsqueeze(-1) - rate * t;
  const auto shape = at::logaddexp(slope, floor_.forward(z).unsqueeze(-1) + kUsualFloor);
  return shape + kLargestGain * (gain_.forward(c) / kLargestGain).tanh();
}

at::Tensor WaveDecoder::forward(const at::Tensor& z, const at::Tensor& noise) const {
  const std::int64_t batch = z.size(0), onset = sizes_.onset_samples;
  const auto n = noise.expand({batch, sizes_.bands, kWaveFrames});
  auto pulse = at::zeros({batch, 1, kWaveFrames}, z.options());
  pulse.narrow(2, onset / kWaveHop, 1).fill_(1);
  const auto c = condition(z);
  const auto x = along(blocks_, in_.forward(at::cat({n, pulse}, 1)), z, c);
  const auto u = n + out_.forward(at::leaky_relu(x, kSlope));
  const auto subbands = u * log_gain(z, c).exp();
  const auto wave = at::conv_transpose1d(subbands, filters_, {}, {kWaveHop}, {kPadding}).squeeze(1);
  const auto early = at::constant_pad_nd(early_.forward(z), {0, kWaveSamples - onset - kWaveEarlySamples});
  return at::constant_pad_nd(wave.narrow(1, onset, kWaveSamples - onset) + early, {onset, 0});
}

void WaveDecoder::add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  to[prefix + "filters"] = filters_;
  const std::pair<const char*, const WaveConv*> layers[] = {{"seed", &seed_},   {"level", &level_}, {"rate", &rate_},
                                                            {"floor", &floor_}, {"gain", &gain_},   {"early", &early_},
                                                            {"in", &in_},       {"out", &out_}};
  for (const auto& [name, layer] : layers) layer->add_parameters(prefix + name, to);
  for (std::size_t i = 0; i < growth_.size(); ++i)
    add_blocks(growth_[i], prefix + "growth" + std::to_string(i + 1), to);
  add_blocks(blocks_, prefix + "wave", to);
}

}  // namespace diffverb
