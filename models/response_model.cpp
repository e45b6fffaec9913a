#include "models/response_model.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/acoustics/fft.h"
#include "core/acoustics/preparation.h"
#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/log.h"
#include "core/resample.h"
#include "core/true_stereo.h"

namespace diffverb {
namespace {

constexpr double kFadeOut_s = 0.01;
/// As in the runtime: sum of squares below which equal power no longer lifts.
constexpr double kSilence = 1e-12;

std::string hz_text(double rate_hz) { return std::to_string(std::lround(rate_hz)) + " Hz"; }

at::Tensor cut_to(const at::Tensor& channels, std::int64_t samples, double rate_hz) {
  if (samples >= channels.size(1)) return channels;
  auto kept = channels.slice(1, 0, samples).clone();
  const std::int64_t fade = std::min(samples, static_cast<std::int64_t>(kFadeOut_s * rate_hz));
  if (fade > 0) kept.slice(1, samples - fade) *= 0.5 + 0.5 * at::linspace(0, std::numbers::pi, fade, at::kDouble).cos();
  return kept;
}

}  // namespace

at::Tensor from_onset(const at::Tensor& channels) {
  std::int64_t onset = channels.size(1);
  for (std::int64_t c = 0; c < channels.size(0); ++c) {
    const auto row = channels[c].contiguous();
    if (row.count_nonzero().item<std::int64_t>() == 0) continue;
    onset = std::min(onset, static_cast<std::int64_t>(acoustics::find_onset(
                                {row.const_data_ptr<double>(), static_cast<std::size_t>(row.numel())})));
  }
  return channels.slice(1, onset);
}

at::Tensor convolve(const at::Tensor& responses, const at::Tensor& input) {
  const std::int64_t samples = input.size(-1);
  const auto fft_size = static_cast<std::int64_t>(
      acoustics::fast_fft_length(static_cast<std::size_t>(samples + std::min(samples, responses.size(-1)))));
  const auto h = at::fft_rfft(responses.slice(-1, 0, samples), fft_size), u = at::fft_rfft(input, fft_size);
  return at::fft_irfft((h * u.unsqueeze(-3)).sum(-2), fft_size).slice(-1, 0, samples);
}

at::Tensor ResponseModel::play(const at::Tensor& input) const {
  const auto dtype = input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return convolve(responses(), input.to(at::kDouble)).to(dtype);
}

Response ResponseModel::forward(const Response& /*target*/) {
  return Response(responses().sum(1).unsqueeze(0).to(at::kFloat), sample_rate_hz());
}

at::Tensor GainsOverTime::at(std::int64_t samples, double sample_rate_hz) const {
  const auto t = at::arange(samples, at::kDouble) / sample_rate_hz;
  const auto turns = rate_hz.unsqueeze(2) * t + phase_turns.unsqueeze(2);  // [R, M, T]
  return mean.unsqueeze(1) + (depth.unsqueeze(2) * (turns * (2 * std::numbers::pi)).sin()).sum(1);
}

at::Tensor MovingResponseModel::Parts::before_at(std::int64_t samples, double sample_rate_hz) const {
  const auto gains = before.at(samples, sample_rate_hz);
  return equal_power ? gains / (gains.square().sum(0, true) + kSilence).sqrt() : gains;
}

at::Tensor MovingResponseModel::Parts::after_at(std::int64_t samples, double sample_rate_hz) const {
  if (after.mean.defined()) return after.at(samples, sample_rate_hz);
  return at::ones({taps.size(0), samples}, at::kDouble);
}

at::Tensor MovingResponseModel::responses() const {
  const Parts p = parts();
  const auto first = p.before_at(1, sample_rate_hz());              // [R, 1]
  const auto after = p.after_at(p.taps.size(3), sample_rate_hz());  // [R, L]
  const auto gains = (first * after).unsqueeze(1).unsqueeze(1);
  return (p.taps * gains).sum(0);
}

at::Tensor MovingResponseModel::play(const at::Tensor& input) const {
  const Parts p = parts();
  const std::int64_t samples = input.size(-1);
  const auto before = p.before_at(samples, sample_rate_hz()), after = p.after_at(samples, sample_rate_hz());
  const auto x = input.to(at::kDouble);
  at::Tensor sum;
  for (std::int64_t r = 0; r < p.taps.size(0); ++r) {
    const auto y = after[r] * convolve(p.taps[r], before[r] * x);
    sum = r == 0 ? y : sum + y;
  }
  return sum.to(input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
}

ResponseLayout::ResponseLayout(Fields& f) {
  f.choice("layout", layout_, {"auto", "mono", "stereo", "true_stereo", "one_input"});
  f.choice("order", order_, {"by_name", kLoudspeakerFirst, kMicrophoneFirst});
  f.choice("onset", onset_, {"keep", "trim"});
  f.optional("length_s", length_s_, between(0.01, 20), "s");
}

Audio ResponseLayout::read_sound(const std::string& file) const {
  Audio audio = read_audio(file);
  if (layout_ != "true_stereo" || audio.channels.size() != 2) return audio;
  const auto right = right_of(file);
  if (!right)
    throw DataError(file + ": has 2 channels, expected 4 (layout: true_stereo), or the left one of a pair of files (" +
                    "hall_L.wav beside hall_R.wav)");
  const Audio other = read_audio(*right);
  if (other.channels.size() != 2 || other.rate_hz != audio.rate_hz)
    throw DataError(right->string() + ": expected two channels and the rate of " + file);
  audio.channels.insert(audio.channels.end(), other.channels.begin(), other.channels.end());
  const std::size_t longest = std::max(audio.frames(), other.frames());
  for (auto& channel : audio.channels) channel.resize(longest);
  return audio;
}

ResponseLayout::Loaded ResponseLayout::read(const std::string& file, double rate_hz) const {
  Audio audio = read_sound(file);
  if (rate_hz > 0 && std::abs(audio.rate_hz - rate_hz) > 1e-6 * rate_hz) {
    log().info(file + ": resampled from " + hz_text(audio.rate_hz) + " to " + hz_text(rate_hz));
    audio = resample(audio, rate_hz);
  }
  auto channels = channels_of(audio);
  if (channels.count_nonzero().item<std::int64_t>() == 0)
    throw DataError(file + ": is silent, expected the response of a room");
  if (onset_ == "trim") channels = from_onset(channels);
  if (length_s_) channels = cut_to(channels, std::llround(*length_s_ * audio.rate_hz), audio.rate_hz);

  const std::int64_t count = channels.size(0), samples = channels.size(1);
  std::string layout = layout_;
  if (layout == "auto") layout = count == 1 ? "mono" : count == 2 ? "stereo" : count == 4 ? "true_stereo" : "none";
  const std::int64_t wanted = layout == "mono" ? 1 : layout == "stereo" ? 2 : layout == "true_stereo" ? 4 : count;
  if (layout == "none" || count != wanted)
    throw DataError(file + ": has " + std::to_string(count) + " channel(s), expected " +
                    (layout == "none" ? "1 (mono), 2 (stereo) or 4 (true stereo), or layout: one_input"
                                      : std::to_string(wanted) + " (layout: " + layout + ")"));
  if (layout == "mono" || layout == "one_input") return {channels.unsqueeze(1), audio.rate_hz};
  if (layout == "true_stereo") {
    // The first letter is where it comes from; [O, I] has outputs first.
    auto taps = channels.reshape({2, 2, samples});
    const auto order = order_ == "by_name" ? order_in_name(file).value_or(kLoudspeakerFirst) : order_;
    return {(order == kLoudspeakerFirst ? taps.transpose(0, 1) : taps).contiguous(), audio.rate_hz};
  }
  auto taps = at::zeros({2, 2, samples}, at::kDouble);
  for (std::int64_t c = 0; c < 2; ++c) taps[c][c].copy_(channels[c]);
  return {taps, audio.rate_hz};
}

ResponseLayout::Loaded ResponseLayout::read(const std::vector<std::string>& files, double rate_hz) const {
  std::vector<at::Tensor> taps;
  std::int64_t longest = 0;
  for (const std::string& file : files) {
    const Loaded one = read(file, rate_hz);
    rate_hz = one.rate_hz;
    longest = std::max(longest, one.taps.size(2));
    if (!taps.empty() && one.taps.sizes().slice(0, 2) != taps[0].sizes().slice(0, 2))
      throw DataError(file + ": has other channels than " + files[0] + ", expected responses of one kind");
    taps.push_back(one.taps);
  }
  for (at::Tensor& one : taps) one = at::constant_pad_nd(one, {0, longest - one.size(2)});
  return {at::stack(taps), rate_hz};
}

ResponseFiles::ResponseFiles(Fields& f) : layout_(f) {
  std::optional<double> rate_hz;
  f.files("responses", files_);
  if (files_.empty() && !f.is_recording()) f.fail("responses", "at least one sound file expected");
  f.optional("sample_rate_hz", rate_hz, between(8000, 384000), "Hz");
  rate_hz_ = rate_hz.value_or(0);
  if (!f.is_recording()) count_ = files_.size();  // the keys of two are shown
}

}  // namespace diffverb
