#include "datasets/measure/quality.h"

#include <algorithm>
#include <cmath>

#include "core/printed.h"

namespace diffverb {
namespace {

constexpr double kLevelChangeDb = 0.5, kVarianceDb = -20, kLoudHumDb = 20;
constexpr double kDisturbedShare = 0.1;   // of a disturbance against all noise, in energy
constexpr double kLittleHeadroom = 0.94;  // 0.5 dB
constexpr std::size_t kMostNamed = 4;

std::string channel_name(const MeasuredChannel& channel) {
  return "channel " + std::to_string(channel.channel + 1) + ": ";
}

ChannelQuality measure_channel(const MeasuredChannel& channel, double rate_hz) {
  const auto response = channel.response.contiguous();
  ChannelQuality out;
  out.analysis = acoustics::analyze_channel(
      {response.const_data_ptr<double>(), static_cast<std::size_t>(response.size(0))}, rate_hz);
  if (out.analysis.broadband.noise_floor_db)
    out.inr_db = 20 * std::log10(response.abs().max().item<double>()) - *out.analysis.broadband.noise_floor_db;
  const auto& gains = channel.repetitions.gains_db;
  if (gains.size() > 1) {
    const auto [low, high] = std::minmax_element(gains.begin(), gains.end());
    out.gain_spread_db = *high - *low;
  }
  return out;
}

void judge_decay(const MeasuredChannel& channel, const ChannelQuality& quality, MeasurementQuality& out) {
  if (quality.analysis.no_decay) {
    out.reasons.push_back(channel_name(channel) + *quality.analysis.no_decay);
    return;
  }
  for (const auto& band : quality.analysis.octaves) {
    if (band.hz >= 500 && band.hz <= 2000 && band.range_db < acoustics::kRangeForT20Db)
      out.reasons.push_back(channel_name(channel) + "the decay at " + printed("%g", band.hz) + " Hz stands " +
                            printed("%.0f", band.range_db) + " dB above the noise, T20 needs 35");
  }
}

void judge_repetitions(const MeasuredChannel& channel, const ChannelQuality& quality, MeasurementQuality& out) {
  const std::string name = channel_name(channel);
  if (quality.gain_spread_db && *quality.gain_spread_db > kLevelChangeDb)
    out.reasons.push_back(name + "the level differs by " + printed("%.1f", *quality.gain_spread_db) +
                          " dB between repetitions");
  if (channel.repetitions.variance_db && *channel.repetitions.variance_db > kVarianceDb)
    out.reasons.push_back(name + "repetitions differ by " + printed("%.0f", *channel.repetitions.variance_db) +
                          " dB: noise, or something moved");
  for (const auto& left : channel.repetitions.left_out)
    out.notes.push_back(name + "left out of repetition " + std::to_string(left.repetition + 1) + ": " +
                        printed("%.2f", left.from_s) + " to " + printed("%.2f", left.to_s) +
                        " s, unlike the other repetitions");
}

void judge_disturbances(const MeasuredChannel& channel, MeasurementQuality& out) {
  const auto& found = channel.disturbances.found;
  if (found.empty()) return;
  std::string text = channel_name(channel) + "something happened at ";
  for (std::size_t k = 0; k < std::min(found.size(), kMostNamed); ++k)
    text += (k > 0 ? ", " : "") + printed("%.2f", found[k].from_s) + " s";
  if (found.size() > kMostNamed) text += " and " + std::to_string(found.size() - kMostNamed) + " times more";
  text += " of the repetition (a click, a cough?), " + printed("%.0f", found[0].above_db) + " dB above the noise";
  if (channel.disturbances.share > kDisturbedShare)
    out.reasons.push_back(text + ", and stays in the response");
  else
    out.notes.push_back(text + ", too little to matter");
}

void judge_clock(const ClockDrift& drift, MeasurementQuality& out) {
  if (!drift.ppm)
    out.notes.emplace_back("clock drift not identifiable: it takes pilots at both ends, repetitions or a loopback");
  if (drift.level_change_db && std::abs(*drift.level_change_db) > kLevelChangeDb)
    out.reasons.push_back("the level changed by " + printed("%.1f", *drift.level_change_db) +
                          " dB between the first and "
                          "the last of the " +
                          drift.from);
}

std::vector<std::string> limits_of(const Sweep& sweep) {
  std::vector<std::string> out = {
      "an impulse response holds what is linear and does not change with time",
      "nothing is known below " + printed("%g", sweep.low_hz) + " Hz and above " + printed("%g", sweep.high_hz) + " Hz",
      "the loudspeaker and the microphone are part of the response"};
  if (sweep.type != "ess") out.push_back("distortion cannot be told from the response with " + sweep.type);
  return out;
}

void judge_noise(const MeasuredChannel& channel, MeasurementQuality& out) {
  const std::string name = channel_name(channel);
  if (!channel.disturbances.looked_for)
    out.notes.push_back(name + "clicks not looked for: the response takes all of a repetition");
  if (channel.peak > kLittleHeadroom)
    out.notes.push_back(name + "the recording's largest sample is " + printed("%.1f", 20 * std::log10(channel.peak)) +
                        " dBFS: close to clipping");
  if (channel.snr.empty())
    out.notes.push_back(name + "noise not measured: no 0.2 s of silence before the sweep's sound or behind it");
  if (channel.hum.above_db > kLoudHumDb)
    out.notes.push_back(name + "hum at " + printed("%.2f", channel.hum.base_hz) + " Hz, " +
                        printed("%.0f", channel.hum.dbfs) + " dBFS, " + printed("%.0f", channel.hum.above_db) +
                        " dB above the noise beside it");
}

}  // namespace

MeasurementQuality judge(const Measurement& measurement, const Sweep& sweep) {
  MeasurementQuality out;
  judge_clock(measurement.drift, out);
  for (const MeasuredChannel& channel : measurement.channels) {
    out.channels.push_back(measure_channel(channel, measurement.rate_hz));
    judge_decay(channel, out.channels.back(), out);
    judge_repetitions(channel, out.channels.back(), out);
    judge_disturbances(channel, out);
    judge_noise(channel, out);
  }
  out.limits = limits_of(sweep);
  return out;
}

}  // namespace diffverb
