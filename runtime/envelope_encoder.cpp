#include "runtime/envelope_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <span>

#include "runtime/envelope_features.h"
#include "runtime/metadata.h"
#include "runtime/resampling.h"

namespace diffverb::runtime {
namespace {

constexpr double kOnsetShare = 0.1;  // of the peak: 20 dB below it (ISO 3382-1)
constexpr double kShortestInput_s = 0.01, kLongestInput_s = 60;
constexpr double kLowestRate = 1000, kHighestRate = 1e6;
constexpr std::size_t kUsualBefore = 2400;
// As steep and as deep as the filter that the encoder's training data were resampled with (soxr, very high quality: 3 dB
// down at 0.95 of the half rate, 150 dB at 1): the highest bands of a file of a low rate are its slope.
constexpr RateSlope kTrainingSlope{0.9557, 131, 17.5};

/// The first sample that reaches a tenth of the largest; the end for silence.
std::size_t onset_of(const std::vector<float>& samples) {
  float peak = 0;
  for (const float x : samples) peak = std::max(peak, std::abs(x));
  const double threshold = kOnsetShare * static_cast<double>(peak);
  const auto reaches = [&](float x) { return peak > 0 && std::abs(static_cast<double>(x)) >= threshold; };
  return static_cast<std::size_t>(std::find_if(samples.begin(), samples.end(), reaches) - samples.begin());
}

/// "onset_samples: N" of the model's own configuration.
std::size_t samples_before(const std::string& config) {
  const std::string key = "onset_samples:";
  const std::size_t at = config.find(key);
  if (at == std::string::npos) return kUsualBefore;
  return static_cast<std::size_t>(std::max(0L, std::strtol(config.c_str() + at + key.size(), nullptr, 10)));
}

/// A whole number, as text.
std::string whole(double value) { return std::to_string(std::llround(value)); }

std::string check_channel(const std::vector<float>& samples, double rate_hz) {
  const auto bad = std::find_if(samples.begin(), samples.end(), [](float x) { return !std::isfinite(x); });
  if (bad != samples.end()) return "sample " + std::to_string(bad - samples.begin()) + " is not a number";
  const std::size_t onset = onset_of(samples), left = samples.size() - onset;
  if (!samples.empty() && left == 0) return "is silent, expected an impulse response";
  const double seconds = static_cast<double>(left) / rate_hz;
  if (seconds < kShortestInput_s)
    return "lasts " + whole(1000 * seconds) + " ms from its onset on, expected " + whole(1000 * kShortestInput_s) +
           " ms or more of a room";
  if (seconds > kLongestInput_s)
    return "lasts " + whole(seconds) + " s, expected a response of at most " + whole(kLongestInput_s) + " s";
  return {};
}

}  // namespace

EnvelopeEncoder::EnvelopeEncoder(std::shared_ptr<const EnvelopeDecoderWeights> weights)
    : weights_(std::move(weights)), before_(samples_before(weights_->config)) {}

std::string EnvelopeEncoder::encode_channel(const std::vector<float>& samples, double rate_hz,
                                            std::vector<double>& latent) const {
  if (std::string error = check_channel(samples, rate_hz); !error.empty()) return error;
  std::vector<float> at_rate = resample(samples, rate_hz, kEnvelopeFeaturesHz, kTrainingSlope);
  at_rate.resize(
      static_cast<std::size_t>(std::llround(static_cast<double>(samples.size()) * kEnvelopeFeaturesHz / rate_hz)));
  const std::size_t onset = onset_of(at_rate);
  if (onset == at_rate.size()) return "is silent, expected an impulse response";
  const std::vector<float> features = envelope_features(at_rate, onset, before_, weights_->centres_hz);
  if (features.empty()) return "is silent in all bands, expected an impulse response";
  std::vector<const DenseWeights*> layers;
  for (const DenseWeights& layer : weights_->encoder) layers.push_back(&layer);
  const double bound = weights_->latent_bound;
  for (const float value : run_network(layers, features)) {
    if (std::isnan(value)) return "has no point: the encoder's weights are too large";
    latent.push_back(bound * std::tanh(value / bound));
  }
  return {};
}

EncodedPoint EnvelopeEncoder::encode(const std::vector<std::vector<float>>& channels, double rate_hz) const {
  EncodedPoint point;
  const auto refuse = [](std::string reason) { return EncodedPoint{{}, {}, std::move(reason)}; };
  if (channels.empty()) return refuse("there are no channels");
  if (!(rate_hz >= kLowestRate && rate_hz <= kHighestRate))
    return refuse("the sample rate is " + number_text(rate_hz) + " Hz, expected 1000 to 1000000");
  const std::size_t expected = envelope_features_count(weights_->centres_hz.size());
  const auto inputs = static_cast<std::size_t>(weights_->encoder.empty() ? 0 : weights_->encoder.front().inputs);
  if (inputs != expected || weights_->sample_rate_hz != kEnvelopeFeaturesHz)
    return refuse("the model's encoder takes " + std::to_string(inputs) + " numbers at " +
                  whole(weights_->sample_rate_hz) + " Hz, expected " + std::to_string(expected) + " at " +
                  whole(kEnvelopeFeaturesHz));
  try {
    point.latent.assign(static_cast<std::size_t>(weights_->latent()), 0.0);
    for (const std::vector<float>& samples : channels) {
      std::vector<double>& latent = point.channels.emplace_back();
      if (std::string error = encode_channel(samples, rate_hz, latent); !error.empty())
        return refuse("channel " + std::to_string(point.channels.size()) + " " + error);
      for (std::size_t i = 0; i < latent.size(); ++i)
        point.latent[i] += latent[i] / static_cast<double>(channels.size());
    }
  } catch (const std::exception& error) {
    return refuse(std::string("cannot be encoded: ") + error.what());
  }
  return point;
}

}  // namespace diffverb::runtime
