#include "datasets/measured_pair.h"

#include <algorithm>
#include <cmath>

#include "core/acoustics/validate.h"
#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/printed.h"
#include "datasets/pair_relation.h"

namespace diffverb {
namespace {

constexpr int kMostDryChannels = 2;
constexpr double kShortest_s = 1;
constexpr double kAudibleDc = 1e-2;  // of the rms: what is worth a line

struct Side {
  at::Tensor sound;  // [C, T] float64
  double rate_hz = 0;
};

Side read_side(const std::filesystem::path& path, int most_channels, MeasuredPair& pair) {
  const Audio audio = read_audio(path, most_channels);
  for (std::string& warning : acoustics::check_samples(audio, path, "a recording")) pair.warnings.push_back(warning);
  auto sound = channels_of(audio);
  const auto mean = sound.mean(1, true);
  sound -= mean;
  for (std::int64_t c = 0; c < sound.size(0); ++c) {
    const std::string where = path.string() + (sound.size(0) > 1 ? ": channel " + std::to_string(c + 1) : "");
    const double rms = sound[c].square().mean().sqrt().item<double>(), dc = mean[c][0].item<double>();
    if (rms < 1e-9) throw DataError(where + ": silent but for DC; expected a recording");
    if (std::abs(dc) > kAudibleDc * rms) pair.notes.push_back(where + ": DC of " + printed("%.3g", dc) + " removed");
  }
  return {sound, audio.rate_hz};
}

std::string samples_text(std::int64_t samples, double rate_hz) {
  return std::to_string(samples) + " samples (" + printed("%.2f", 1000 * static_cast<double>(samples) / rate_hz) +
         " ms)";
}

std::string seconds_text(std::int64_t samples, double rate_hz) {
  return printed("%.2f", static_cast<double>(samples) / rate_hz) + " s";
}

std::string db_text(double ratio) { return printed("%.1f", 10 * std::log10(ratio)) + " dB"; }

[[noreturn]] void refuse(const MeasuredPair& pair) {
  const Arrival& a = pair.arrival;
  throw DataError(pair.wet_file.string() + ": has nothing to do with " + pair.dry_file.string() +
                  ": their correlation peaks " + db_text(a.peak) + " above its surroundings (unrelated sounds: up to " +
                  db_text(a.unrelated_peak) + "), 100 ms hold " + printed("%.2g", 100 * a.share) +
                  " % of it (unrelated sounds: up to " + printed("%.2g", 100 * a.unrelated_share) +
                  " %); expected what a space made of it");
}

void tell_delay(MeasuredPair& pair) {
  const std::string wet = pair.wet_file.string(), dry = pair.dry_file.string();
  const std::int64_t delay = pair.arrival.delay_samples, kept = delay - pair.removed_samples;
  const std::string where = delay >= 0 ? samples_text(delay, pair.sample_rate_hz) + " after "
                                       : samples_text(-delay, pair.sample_rate_hz) + " before ";
  pair.notes.push_back(wet + ": comes " + where + dry + "; " +
                       (pair.removed_samples == 0 ? "left as it is"
                        : kept == 0               ? "removed"
                                                  : "removed but for " + std::to_string(kept) + " samples"));
}

}  // namespace

MeasuredPair read_measured_pair(const std::filesystem::path& dry, const std::filesystem::path& wet, std::int64_t lead) {
  MeasuredPair pair;
  pair.dry_file = dry;
  pair.wet_file = wet;
  const Side played = read_side(dry, kMostDryChannels, pair), heard = read_side(wet, kMostChannels, pair);
  if (played.rate_hz != heard.rate_hz)
    throw DataError(wet.string() + ": has " + printed("%.0f", heard.rate_hz) + " Hz, " + dry.string() + " " +
                    printed("%.0f", played.rate_hz) + " Hz; expected one rate for both");
  pair.sample_rate_hz = played.rate_hz;
  const auto shortest = static_cast<std::int64_t>(kShortest_s * pair.sample_rate_hz);
  const auto check_length = [&](std::int64_t samples) {
    if (samples < shortest)
      throw DataError(wet.string() + ": has " + seconds_text(samples, pair.sample_rate_hz) + " in common with " +
                      dry.string() + "; expected 1 s or more");
  };
  check_length(std::min(played.sound.size(1), heard.sound.size(1)));
  pair.arrival = find_arrival(played.sound, heard.sound, pair.sample_rate_hz);
  if (!pair.arrival.related()) refuse(pair);
  const std::int64_t delay = pair.arrival.delay_samples;
  const bool stays = delay >= 0 && delay <= lead;
  pair.removed_samples = stays ? 0 : delay - lead;
  tell_delay(pair);
  pair.dry = played.sound.slice(1, std::max<std::int64_t>(0, -pair.removed_samples));
  pair.wet = heard.sound.slice(1, std::max<std::int64_t>(0, pair.removed_samples));
  const std::int64_t common = std::min(pair.dry.size(1), pair.wet.size(1));
  check_length(common);
  if (played.sound.size(1) != heard.sound.size(1))
    pair.notes.push_back(dry.string() + " has " + seconds_text(played.sound.size(1), pair.sample_rate_hz) + ", " +
                         wet.string() + " " + seconds_text(heard.sound.size(1), pair.sample_rate_hz) + ": cut to the " +
                         seconds_text(common, pair.sample_rate_hz) + " that both have");
  pair.dry = pair.dry.slice(1, 0, common).contiguous();
  pair.wet = pair.wet.slice(1, 0, common).contiguous();
  return pair;
}

}  // namespace diffverb
