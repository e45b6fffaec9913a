#include "runtime/variation/split_responses.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <span>

#include "runtime/variation/octave_bands.h"

namespace diffverb::runtime {
namespace {

constexpr double kBlock_s = 0.01, kAboveNoise = 10, kEndShare = 0.1;  // kAboveNoise: a ratio of energies
constexpr double kDepth = 9.21;                                       // nepers in 80 dB
constexpr std::size_t kPeriod = 1 << 17;                              // of the noise, samples

std::size_t block_of(double rate_hz) { return std::max<std::size_t>(1, static_cast<std::size_t>(kBlock_s * rate_hz)); }

/// The blocks before the noise at the end comes within 10 dB.
std::size_t blocks_above_noise(const std::vector<double>& energies) {
  const auto tail =
      std::max<std::size_t>(1, static_cast<std::size_t>(kEndShare * static_cast<double>(energies.size())));
  double noise = 0;
  for (std::size_t i = energies.size() - tail; i < energies.size(); ++i)
    noise += energies[i] / static_cast<double>(tail);
  const std::size_t loudest =
      static_cast<std::size_t>(std::max_element(energies.begin(), energies.end()) - energies.begin());
  std::size_t end = loudest;
  while (end < energies.size() && energies[end] > kAboveNoise * noise) ++end;
  return end;
}

/// How many blocks fall along a line at `rate` (nepers a block): until two and a half times as much is heard as there should be, be it
/// noise or a second, slower decay. Made slower, those would come out louder than what they follow.
std::size_t blocks_along(const std::vector<double>& energies, double rate) {
  constexpr double kFrom = 4.6, kOff = 2.5;  // nepers of energy in 20 dB, that the line is laid through; a ratio
  constexpr std::size_t kTogether = 8;       // blocks, for their mean
  const auto first = std::min(energies.size(), static_cast<std::size_t>(kFrom / (2 * rate)) + 1);
  double heard = 0, line = 0;
  for (std::size_t i = 0; i < first; ++i) heard += energies[i], line += std::exp(-2 * rate * static_cast<double>(i));
  for (std::size_t i = first; i + kTogether <= energies.size(); ++i) {
    double now = 0, expected = 0;
    for (std::size_t k = i; k < i + kTogether; ++k)
      now += energies[k], expected += std::exp(-2 * rate * static_cast<double>(k));
    if (now * line > kOff * expected * heard) return i;
  }
  return energies.size();
}

/// White noise of a power of 1, always the same for a row.
std::vector<float> noise_row(unsigned row) {
  std::mt19937 random(row + 1);
  std::vector<float> noise(kPeriod);
  for (float& value : noise)  // uniform: the standard fixes the generator, not the normal distribution
    value = static_cast<float>(std::numbers::sqrt3 * (2 * (static_cast<double>(random()) / 4294967295.0) - 1));
  return noise;
}

double power_of(std::span<const float> row) {
  double sum = 0;
  for (const double value : row) sum += value * value;
  return row.empty() ? 0 : sum / static_cast<double>(row.size());
}

/// A band from `knee` on as noise (a period of it, and its power) that decays at `rate` (a sample) from the band's power before it.
void go_on_as_noise(std::vector<float>& band, std::span<const float> noise, double power, std::size_t onset,
                    std::size_t knee, std::size_t fade, double rate) {
  const std::size_t from = std::max(onset, knee > 2 * fade ? knee - 2 * fade : 0);
  const double middle = 0.5 * static_cast<double>(from + knee);
  const double level = std::sqrt(power_of(std::span(band).subspan(from, knee - from)) / std::max(power, 1e-300));
  const std::size_t begin = std::max(onset, knee > fade ? knee - fade : 0);
  fade = std::min(fade, knee - begin);
  double gain = level * std::exp(-rate * (static_cast<double>(begin) - middle));
  const double each = std::exp(-rate);
  for (std::size_t n = begin; n < band.size(); ++n, gain *= each) {
    const double own = gain * noise[n % kPeriod];
    if (n - begin >= fade) {
      band[n] = static_cast<float>(own);
      continue;
    }
    const double share = static_cast<double>(n - begin) / static_cast<double>(fade) * std::numbers::pi / 2;
    // Equal powers: they have nothing in common.
    band[n] = static_cast<float>(std::cos(share) * band[n] + std::sin(share) * own);
  }
}

}  // namespace

SplitResponses::SplitResponses(std::vector<std::vector<float>> rows, double rate_hz, double highest_hz)
    : rows_(std::move(rows)),
      rate_hz_(rate_hz),
      centres_(octave_centres(std::min(rate_hz, highest_hz))),
      onset_(onset_of(rows_)) {}

const OctaveRates& SplitResponses::measured() const {
  std::call_once(split_once_, [this] { split(); });
  return measured_;
}

void SplitResponses::split() const {
  bands_ = split_octaves(rows_, rate_hz_, centres_), knees_.clear(), measured_ = {centres_, {}};
  const std::size_t block = block_of(rate_hz_);
  for (std::size_t k = 0; k < centres_.size(); ++k) {
    std::vector<double> energies;  // of all rows in blocks of 10 ms from the onset on
    for (std::size_t n = onset_; n < rows_[0].size(); n += block) {
      double& sum = energies.emplace_back(0);
      for (const auto& bands : bands_) {
        for (const double value : std::span(bands[k]).subspan(n, std::min(block, bands[k].size() - n)))
          sum += value * value;
      }
    }
    energies.resize(blocks_above_noise(energies));
    const auto rate = energies.empty() ? std::nullopt : decay_rate(energies, static_cast<double>(block) / rate_hz_);
    const double a_block = rate.value_or(0) * static_cast<double>(block) / rate_hz_;
    knees_.push_back(onset_ + (rate ? blocks_along(energies, a_block) : energies.size()) * block);
    measured_.rate.push_back(rate.value_or(0));
  }
}

void SplitResponses::split_noise() const {
  std::vector<std::vector<float>> noise;
  for (std::size_t p = 0; p < rows_.size(); ++p) noise.push_back(noise_row(static_cast<unsigned>(p)));
  noise_ = split_periods(noise, rate_hz_, centres_);
  for (const auto& bands : noise_) {
    auto& powers = noise_power_.emplace_back();
    for (const auto& band : bands) powers.push_back(power_of(band));
  }
}

std::vector<std::vector<float>> SplitResponses::with_decay_times(const std::vector<double>& wanted,
                                                                 std::size_t longest) const {
  const OctaveRates& found = measured();
  std::size_t samples = rows_[0].size();
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    if (!(found.rate[k] > 0) || !(wanted[k] > 1)) continue;
    const double needed = kDepth * wanted[k] / found.rate[k] * rate_hz_;
    samples = std::max(samples, std::min(longest, onset_ + static_cast<std::size_t>(needed)));
  }
  std::vector<std::vector<float>> out(rows_.size(), std::vector<float>(samples, 0.0f));
  std::vector<float> band;
  for (std::size_t k = 0; k < centres_.size(); ++k) {
    const bool changes = found.rate[k] > 0 && wanted[k] != 1;
    const double rate = found.rate[k] / rate_hz_, change = changes ? rate / wanted[k] - rate : 0;
    const bool goes_on = change < 0 && knees_[k] > onset_ && knees_[k] < samples;
    if (goes_on) std::call_once(noise_once_, [this] { split_noise(); });
    for (std::size_t p = 0; p < rows_.size(); ++p) {
      if (!goes_on) {
        add_weighted(out[p], bands_[p][k], change, onset_);
        continue;
      }
      band = bands_[p][k];
      band.resize(samples, 0.0f);
      go_on_as_noise(band, noise_[p][k], noise_power_[p][k], onset_, std::min(knees_[k], rows_[0].size()),
                     2 * block_of(rate_hz_), rate);
      add_weighted(out[p], band, change, onset_);
    }
  }
  return out;
}

}  // namespace diffverb::runtime
