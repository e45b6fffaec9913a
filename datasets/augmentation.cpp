#include "datasets/augmentation.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <kissfft/kissfft.hh>
#include <numbers>
#include <string>

#include "core/acoustics/decay.h"
#include "core/error.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kFrameSeconds = 0.016;
constexpr double kMostOfDecayRate = 0.5;

void check_range(const Fields& fields, const std::string& key, const std::vector<double>& range) {
  if (range.size() != 2 || range[0] > range[1]) fields.fail(key, "expected two numbers, the lower one first");
}

/// d(f) for each bin of a frame, dB/s.
std::vector<double> rates_by_bin(std::span<const double> db_per_s, std::size_t fft_size, double rate_hz) {
  std::vector<double> out(fft_size / 2 + 1);
  const std::size_t last = db_per_s.size() - 1;
  for (std::size_t k = 0; k < out.size(); ++k) {
    const double hz = std::max(static_cast<double>(k), 0.5) * rate_hz / static_cast<double>(fft_size);
    const double octave = std::clamp(std::log2(hz / kBandDecayOctavesHz[0]), 0.0, static_cast<double>(last));
    const auto low = std::min(static_cast<std::size_t>(octave), last - 1);
    const double share = octave - static_cast<double>(low);
    out[k] = (1 - share) * db_per_s[low] + share * db_per_s[low + 1];
  }
  return out;
}

}  // namespace

void Augmentation::read(Fields fields) {
  const auto read_change = [&](const std::string& name, const std::string& key, Change& change, const Range& range,
                               const std::string& unit) {
    Fields map = fields.map(name);
    map.optional("probability", change.probability, between(0, 1));
    map.optional(key, change.range, range, unit);
    check_range(map, key, change.range);
  };
  read_change("gain", "range_db", gain_, between(-120, 120), "dB");
  read_change("speed", "range", speed_, between(0.5, 2), "");
  read_change("decay", "range", decay_, between(0.1, 10), "");
  read_change("band_decay", "range_db_per_s", band_decay_, between(-1000, 1000), "dB/s");
  Fields crop = fields.map("crop");
  crop.optional("probability", crop_probability_, between(0, 1));
  crop.optional("most_s", crop_most_s_, between(0, 60), "s");
}

bool Augmentation::any() const {
  return gain_.probability > 0 || speed_.probability > 0 || decay_.probability > 0 || band_decay_.probability > 0 ||
         crop_probability_ > 0;
}

AugmentationDraw Augmentation::draw(std::uint64_t seed) const {
  AugmentationDraw out;
  const auto within = [&](const char* name, const Change& change, auto&& use) {
    Random random(seed, name);
    if (random.uniform() < change.probability) use(random);
  };
  within("gain", gain_, [&](Random& r) { out.gain_db = r.uniform(gain_.range[0], gain_.range[1]); });
  // Speed and decay are ratios: as likely to double as to halve.
  const auto ratio = [](Random& r, const Change& change) {
    return std::exp(r.uniform(std::log(change.range[0]), std::log(change.range[1])));
  };
  within("speed", speed_, [&](Random& r) { out.speed = ratio(r, speed_); });
  within("decay", decay_, [&](Random& r) { out.decay = ratio(r, decay_); });
  within("band_decay", band_decay_, [&](Random& r) {
    for (double& d : out.band_decay_db_per_s) d = r.uniform(band_decay_.range[0], band_decay_.range[1]);
  });
  Random random(seed, "crop");
  if (random.uniform() < crop_probability_) out.crop_s = random.uniform(0, crop_most_s_);
  return out;
}

std::int64_t Augmentation::longest_source(std::int64_t samples, double rate_hz) const {
  const double crop = crop_probability_ > 0 ? crop_most_s_ * rate_hz : 0;
  const double speed = speed_.probability > 0 ? std::max(1.0, speed_.range[1]) : 1;
  return static_cast<std::int64_t>(std::ceil((static_cast<double>(samples) + crop) * speed)) + 1;
}

ResponseDecay measure_response_decay(std::span<const float> response, double rate_hz) {
  const std::vector<double> samples(response.begin(), response.end());
  const acoustics::Decay decay = acoustics::measure_decay(samples, rate_hz, 0);
  ResponseDecay out;
  if (!decay.floor.found) return out;
  out.t60_s = acoustics::t20_s(decay).value_or(decay.floor.late_t60_s);
  out.end_samples = decay.floor.truncation_samples;
  if (!std::isfinite(out.t60_s) || out.t60_s <= 0) return {};
  return out;
}

void stretch_decay(std::span<float> response, std::size_t onset, double rate_hz, const ResponseDecay& decay,
                   double factor) {
  if (decay.t60_s <= 0 || factor == 1) return;
  const double change_per_s = 3 * std::numbers::ln10 * (1 / decay.t60_s - 1 / (factor * decay.t60_s));
  const double noise_per_s = -3 * std::numbers::ln10 / (factor * decay.t60_s);
  const double end_s = static_cast<double>(decay.end_samples) / rate_hz;
  for (std::size_t n = onset; n < response.size(); ++n) {
    const double t = static_cast<double>(n - onset) / rate_hz;
    const double exponent = change_per_s * std::min(t, end_s) + noise_per_s * std::max(0.0, t - end_s);
    response[n] = static_cast<float>(response[n] * std::exp(exponent));
  }
}

void change_band_decay(std::span<float> response, std::size_t onset, double rate_hz, const ResponseDecay& decay,
                       std::span<const double> db_per_s) {
  if (decay.t60_s <= 0 || response.empty()) return;
  if (db_per_s.size() != kBandDecayOctavesHz.size()) throw ContractError("change_band_decay: one number an octave");
  std::size_t size = 16;
  while (static_cast<double>(size) < kFrameSeconds * rate_hz) size *= 2;
  const std::size_t hop = size / 2;
  std::vector<double> rates = rates_by_bin(db_per_s, size, rate_hz);
  for (double& rate : rates) rate = std::min(rate, kMostOfDecayRate * 60 / decay.t60_s);
  std::vector<float> window(size);  // root of Hann: once before and once after, the halves add up to 1
  for (std::size_t n = 0; n < size; ++n)
    window[n] = static_cast<float>(std::sin(std::numbers::pi * (static_cast<double>(n) + 0.5) / double(size)));
  const kissfft<float> forward(size, false), inverse(size, true);
  std::vector<std::complex<float>> frame(size), spectrum(size);
  std::vector<float> out(response.size() + 2 * size, 0.0f);  // out[n + hop] is response[n]
  const double end_s = static_cast<double>(decay.end_samples) / rate_hz;
  for (std::size_t begin = 0; begin < response.size() + hop; begin += hop) {  // at begin - hop in the response
    for (std::size_t n = 0; n < size; ++n) {
      const std::size_t at = begin + n;
      frame[n] = at >= hop && at - hop < response.size() ? response[at - hop] * window[n] : 0.0f;
    }
    forward.transform(frame.data(), spectrum.data());
    const double t = std::clamp((static_cast<double>(begin) - static_cast<double>(onset)) / rate_hz, 0.0, end_s);
    for (std::size_t k = 0; k <= hop; ++k) {
      const auto gain = static_cast<float>(std::pow(10.0, rates[k] * t / 20) / static_cast<double>(size));
      spectrum[k] *= gain;
      if (k > 0 && k < hop) spectrum[size - k] *= gain;
    }
    inverse.transform(spectrum.data(), frame.data());
    for (std::size_t n = 0; n < size; ++n) out[begin + n] += frame[n].real() * window[n];
  }
  std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(hop), response.size(), response.begin());
}

}  // namespace diffverb
