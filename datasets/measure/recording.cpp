#include "datasets/measure/recording.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/printed.h"
#include "core/resample.h"
#include "datasets/pair_relation.h"

namespace diffverb {
namespace {

constexpr float kFullScale = 0.9995f;
constexpr std::size_t kClippedRun = 3;
constexpr std::int64_t kPartOfSweep = 8;
constexpr double kSilent = 1e-7;
constexpr double kShortestNoise_s = 0.2, kGuard_s = 0.03;  // the room's noise, and how near a sound it may come
constexpr double kFrame_s = 0.1, kSteady = 4;              // largest over median power of frames, of noise
constexpr double kLeastDrift_samples = 0.05;               // over the whole sound: less cannot be told from noise

[[noreturn]] void refuse(const std::string& name, const std::string& what) { throw DataError(name + ": " + what); }

/// Where the first run of three samples at full scale begins; nothing where there is none. Floating-point files may go
/// beyond full scale: what does is not clipped.
std::optional<std::size_t> first_clipped(const std::vector<float>& channel) {
  const auto [low, high] = std::minmax_element(channel.begin(), channel.end());
  if (std::max(-*low, *high) > 1.0001f) return {};
  std::size_t run = 0;
  for (std::size_t n = 0; n < channel.size(); ++n) {
    run = std::abs(channel[n]) >= kFullScale ? run + 1 : 0;
    if (run == kClippedRun) return n + 1 - run;
  }
  return {};
}

void check_channels(const Audio& audio, const std::string& name) {
  for (std::size_t c = 0; c < audio.channels.size(); ++c) {
    const auto& x = audio.channels[c];
    const std::string where = "channel " + std::to_string(c + 1) + " is ";
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    if (*high - *low < kSilent) refuse(name, where + "silent, expected a recording of the sweep");
    if (const auto at_ = first_clipped(x))
      refuse(name, where + "clipped from " + printed("%.3f", static_cast<double>(*at_) / audio.rate_hz) +
                       " s on, expected headroom: measure again at a lower level");
  }
}

/// Noise has the same power all the time.
bool is_steady(const at::Tensor& channel, double rate_hz) {
  const auto frame = std::llround(kFrame_s * rate_hz);
  const auto power = channel.unfold(0, frame, frame).square().mean(1);
  const double middle = power.median().item<double>();
  return power.max().item<double>() < kSteady * middle && power.min().item<double>() > middle / kSteady;
}

std::int64_t loudest(const SweepRecording& recording) {
  std::int64_t best = 0;
  double most = -1;
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(recording.audio.channels.size()); ++c) {
    const double energy = recording.channel(c).square().sum().item<double>();
    if (energy > most) {
      most = energy;
      best = c;
    }
  }
  return best;
}

void check_form(Audio& audio, const std::string& name, const Sweep& sweep, const RecordingOptions& options) {
  const auto channels = static_cast<std::int64_t>(audio.channels.size());
  if (options.loopback && (*options.loopback < 1 || *options.loopback > channels))
    refuse(name, "has " + std::to_string(channels) + " channel" + (channels == 1 ? "" : "s") + ", expected loopback " +
                     std::to_string(*options.loopback) + " to be one of them");
  if (options.loopback && channels == 1)
    refuse(name, "has the loopback channel alone, expected a microphone's beside it");
  if (audio.rate_hz != sweep.rate_hz) {
    if (!options.resample)
      refuse(name, "sample rate is " + printed("%g", audio.rate_hz) + " Hz, expected the sweep's " +
                       printed("%g", sweep.rate_hz) + " Hz (--resample changes it)");
    audio = resample(audio, sweep.rate_hz);
  }
  const SweepLayout at_(sweep);
  const std::int64_t frames = static_cast<std::int64_t>(audio.frames()), needed = at_.played - at_.first;
  if (frames < needed)
    refuse(name, "is " + printed("%.2f", static_cast<double>(frames) / audio.rate_hz) +
                     " s long, expected the sweep's " + printed("%.2f", static_cast<double>(needed) / audio.rate_hz) +
                     " s or more");
}

/// A clock that drifts takes a long sequence apart: looked for is what stands before it and its first eighth, which has to
/// be found again by itself, as the pilot before it could be another sweep's. Of the periods where it is found, the first.
Arrival find_beginning(const at::Tensor& channel, const Sweep& sweep) {
  const SweepLayout at_(sweep);
  const std::int64_t start = at_.first - at_.period, part = at_.period / kPartOfSweep;
  const auto sound = sweep.sound().unsqueeze(0), recorded = channel.unsqueeze(0);
  const Arrival whole = find_arrival(sound.slice(1, 0, start + part), recorded, sweep.rate_hz);
  Arrival out;
  if (!whole.arrives()) return out;
  for (std::int64_t from = whole.delay_samples + start; from >= 0; from -= at_.period) {
    const auto stretch = recorded.slice(1, from, std::min(channel.size(0), from + 2 * part));
    if (stretch.size(1) < 2 * part) continue;
    const Arrival again = find_arrival(sound.slice(1, start, start + part), stretch, sweep.rate_hz);
    if (!again.arrives()) break;
    out = again;
    out.delay_samples += from - start;
  }
  return out;
}

void find_start(SweepRecording& out, std::int64_t reference, const std::string& name, const Sweep& sweep) {
  const auto channel = out.channel(reference);
  const SweepLayout at_(sweep);
  Arrival arrival = find_arrival(sweep.sound().unsqueeze(0), channel.unsqueeze(0), sweep.rate_hz);
  if (!arrival.arrives() && sweep.periodic()) arrival = find_beginning(channel, sweep);
  if (!arrival.arrives()) {
    if (is_steady(channel, sweep.rate_hz)) refuse(name, "nothing but noise in it, expected a recording of the sweep");
    refuse(name,
           "this sweep is not in it (another sweep or another sound?), expected a recording of the sweep's sound");
  }
  out.delay_samples = arrival.delay_samples;
  const std::int64_t from = out.delay_samples + (sweep.periodic() ? at_.first - at_.period : at_.first);
  const auto in_seconds = [&](std::int64_t samples) {
    return printed("%.2f", static_cast<double>(samples) / sweep.rate_hz) + " s";
  };
  if (from < 0) refuse(name, "begins " + in_seconds(-from) + " after the sweep does, expected the whole sweep");
  const std::int64_t missing = out.delay_samples + at_.played - channel.size(0);
  if (missing > 0) refuse(name, "ends " + in_seconds(missing) + " before the sweep does, expected the whole sweep");
}

}  // namespace

at::Tensor SweepRecording::channel(std::int64_t c) const {
  const auto& samples = audio.channels.at(static_cast<std::size_t>(c));
  auto out = at::empty({static_cast<std::int64_t>(samples.size())}, at::kDouble);
  std::copy(samples.begin(), samples.end(), out.mutable_data_ptr<double>());
  return out - out.mean();
}

std::optional<at::Tensor> SweepRecording::noise(const Sweep& sweep, const at::Tensor& channel) const {
  const SweepLayout at_(sweep);
  const auto guard = std::llround(kGuard_s * sweep.rate_hz), least = std::llround(kShortestNoise_s * sweep.rate_hz);
  const std::int64_t first = sweep.pilots ? at_.first_pilot : at_.lead;
  const std::int64_t head = delay_samples + first - guard, tail = delay_samples + at_.samples;
  if (head >= least) return channel.slice(0, 0, head);
  if (channel.size(0) - tail >= least) return channel.slice(0, tail);
  return {};
}

SweepRecording prepare_recording(Audio audio, const std::string& name, const Sweep& sweep,
                                 const RecordingOptions& options) {
  const at::NoGradGuard no_grad;
  check_form(audio, name, sweep, options);
  check_channels(audio, name);
  SweepRecording out;
  out.audio = std::move(audio);
  if (options.loopback) out.loopback = *options.loopback - 1;
  const std::int64_t reference = options.loopback ? out.loopback : loudest(out);
  find_start(out, reference, name, sweep);
  out.drift = find_drift(sweep, out.channel(reference), out.delay_samples, options.loopback.has_value());
  const double samples = static_cast<double>(SweepLayout(sweep).samples);
  if (out.drift.ppm && std::abs(*out.drift.ppm) * 1e-6 * samples > kLeastDrift_samples) {
    const double ratio = 1 + *out.drift.ppm * 1e-6;
    out.audio = resample(out.audio, sweep.rate_hz / ratio);
    out.audio.rate_hz = sweep.rate_hz;
    out.delay_samples = std::llround(static_cast<double>(out.delay_samples) / ratio);
  }
  return out;
}

}  // namespace diffverb
