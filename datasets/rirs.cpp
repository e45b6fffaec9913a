#include <ATen/ops/zeros.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "core/acoustics/preparation.h"
#include "core/audio_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/printed.h"
#include "core/resample.h"
#include "core/sha256.h"
#include "datasets/augmentation.h"
#include "datasets/dataset.h"
#include "datasets/response_store.h"
#include "datasets/usable_response.h"

namespace diffverb {
namespace {

/// A response at the set's rate, with its onset in place.
struct Prepared {
  std::vector<float> samples;
  ResponseDecay decay;
};

std::string number(double value) { return printed("%g", value); }

/// Impulse responses from data files (diffverb data import, simulate), each an example [1, T] of its own.
///
///     type: rirs
///     files: [rooms.h5, simulated.h5]
///     sample_rate_hz: 16000
///     seconds: 2
///
/// Reads    files: data files of responses; those of all rooms that are in no split yet are training examples
/// Returns  [1, T] float32: `onset_samples` samples before the onset (first sample within 20 dB of the peak), then the
///          response, filled up with zeros; augmented (datasets/augmentation.h), then normalised, then changed in gain
/// Throws   ConfigError: not exactly one of seconds and samples, ranges; DataError: files that cannot be read, mixed
///          rates without sample_rate_hz, a room in two parts, no response left, a sample that is not finite, silence,
///          too short (by its length alone: when opened)
class Rirs final : public Dataset {
 public:
  explicit Rirs(Fields& f);
  void open() override;
  double sample_rate_hz() const override { return rate_hz_; }
  std::int64_t samples() const override { return samples_; }
  std::int64_t size(Split split) const override { return static_cast<std::int64_t>(part(split).size()); }
  at::Tensor example(Split split, std::int64_t index, std::uint64_t seed) const override;
  std::string describe(Split split, std::int64_t index) const override;
  std::map<std::string, std::int64_t> licences(Split split) const override;
  std::string fingerprint() const override;

 private:
  struct Entry {
    std::size_t store, response, slot;
  };
  const std::vector<Entry>& part(Split split) const { return parts_[static_cast<std::size_t>(split)]; }
  const Entry& entry(Split split, std::int64_t index) const;
  const StoredResponse& stored(const Entry& entry) const { return stores_[entry.store].at(entry.response); }
  std::string name_of(const Entry& entry) const;
  bool wanted(const StoredResponse& response) const;
  void sort_into_parts();
  void choose_rate();
  void check_lengths() const;
  void check_open() const;
  std::shared_ptr<const Prepared> prepared(const Entry& entry) const;
  Prepared prepare(const Entry& entry) const;
  void augment(std::vector<float>& samples, const Prepared& source, const AugmentationDraw& draw) const;
  void normalise(std::span<float> samples, const Entry& entry) const;

  std::vector<std::string> files_;
  std::optional<double> asked_rate_hz_, seconds_;
  std::optional<int> asked_samples_;
  std::int64_t onset_samples_ = 64;
  std::vector<std::string> licence_globs_, origins_;
  std::string normalise_ = "energy";
  Augmentation augmentation_;
  double cache_mb_ = 512;

  double rate_hz_ = 0;
  std::int64_t samples_ = 0, source_samples_ = 0;
  std::vector<ResponseStore> stores_;
  std::array<std::vector<Entry>, 3> parts_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Prepared>> cache_;
  mutable double cached_bytes_ = 0;
};

Rirs::Rirs(Fields& f) {
  f.required("files", files_);
  f.optional("sample_rate_hz", asked_rate_hz_, between(1000, 1e6), "Hz");
  f.optional("seconds", seconds_, between(0.01, 600), "s");
  f.optional("samples", asked_samples_, between(16, 1 << 28), "samples");
  f.optional("onset_samples", onset_samples_, between(0, 1 << 20), "samples");
  f.optional("licences", licence_globs_);
  f.optional("origins", origins_);
  f.choice("normalise", normalise_, {"energy", "peak", "none"});
  f.optional("cache_mb", cache_mb_, at_least(0), "MB");
  augmentation_.read(f.map("augmentation"));
  if (f.is_recording()) return;
  if (files_.empty()) f.fail("files", "expected at least one data file");
  if (seconds_.has_value() == asked_samples_.has_value())
    f.fail("seconds", "expected either seconds or samples: how long an example is");
  for (const std::string& origin : origins_) {
    if (origin != "measured" && origin != "simulated")
      f.fail("origins", "'" + origin + "', expected measured or simulated");
  }
}

void Rirs::open() {
  stores_.clear();
  for (const std::string& file : files_) stores_.push_back(ResponseStore::open(file));
  for (auto& part : parts_) part.clear();
  sort_into_parts();
  choose_rate();
  check_lengths();
  samples_ = asked_samples_ ? *asked_samples_ : std::llround(*seconds_ * rate_hz_);
  if (samples_ <= onset_samples_)
    throw ConfigError("onset_samples is " + std::to_string(onset_samples_) + ", beyond the end of an example of " +
                      std::to_string(samples_) + " samples");
  source_samples_ = augmentation_.longest_source(samples_, rate_hz_);
}

bool Rirs::wanted(const StoredResponse& response) const {
  const bool origin =
      origins_.empty() || std::find(origins_.begin(), origins_.end(), response.origin) != origins_.end();
  const bool licence =
      licence_globs_.empty() || std::any_of(licence_globs_.begin(), licence_globs_.end(), [&](auto& g) {
        return ::fnmatch(g.c_str(), response.licence.c_str(), FNM_CASEFOLD) == 0;
      });
  return origin && licence;
}

void Rirs::sort_into_parts() {
  std::map<std::string, std::pair<std::string, std::size_t>> room_splits;  // room: split, store
  std::size_t slot = 0, left_out = 0, without_split = 0;
  std::set<std::string> left_out_licences;
  for (std::size_t s = 0; s < stores_.size(); ++s) {
    for (std::size_t i = 0; i < stores_[s].size(); ++i) {
      const StoredResponse& r = stores_[s].at(i);
      if (!wanted(r)) {
        ++left_out;
        left_out_licences.insert(r.licence);
        continue;
      }
      const std::string split = r.split.empty() ? "train" : r.split;
      const auto [known, added] = room_splits.emplace(r.room, std::make_pair(split, s));
      if (!added && known->second.first != split)
        throw DataError("room '" + r.room + "' is in two parts: " + known->second.first + " in " +
                        stores_[known->second.second].path().string() + ", " + split + " in " +
                        stores_[s].path().string() + "; diffverb data split sorts rooms");
      without_split += r.split.empty();
      const Split part = split == "train" ? Split::kTrain : split == "test" ? Split::kTest : Split::kValidation;
      parts_[static_cast<std::size_t>(part)].push_back({s, i, slot++});
    }
  }
  cache_.assign(slot, nullptr);
  cached_bytes_ = 0;
  if (slot == 0) {
    std::string licences;
    for (const std::string& licence : left_out_licences) licences += (licences.empty() ? "'" : ", '") + licence + "'";
    throw DataError(stores_[0].path().string() + ": no response is left of " + std::to_string(left_out) +
                    " after the choice of licences and origins" +
                    (licences.empty() ? "" : "; licences are " + licences));
  }
  if (left_out > 0) log().info("data set: " + std::to_string(left_out) + " responses left out by licence or origin");
  if (without_split > 0)
    log().warning("data set: " + std::to_string(without_split) +
                  " responses are in no part yet and are trained on; diffverb data split sorts rooms");
}

void Rirs::choose_rate() {
  std::map<double, std::string> rates;
  for (const auto& part : parts_) {
    for (const Entry& e : part) rates.emplace(stored(e).rate_hz, name_of(e));
  }
  if (!asked_rate_hz_ && rates.size() > 1) {
    std::string list;
    for (const auto& [hz, name] : rates) list += (list.empty() ? "" : ", ") + number(hz) + " Hz (" + name + ")";
    throw DataError("the responses have several rates: " + list + "; set sample_rate_hz");
  }
  rate_hz_ = asked_rate_hz_ ? *asked_rate_hz_ : rates.begin()->first;
}

/// Only what is too short wherever its onset lies: no sample is read for it.
void Rirs::check_lengths() const {
  const Entry* first = nullptr;
  std::size_t count = 0;
  for (const auto& part : parts_) {
    for (const Entry& e : part) {
      const auto samples = std::llround(static_cast<double>(stored(e).samples) * rate_hz_ / stored(e).rate_hz);
      if (static_cast<double>(samples) >= kShortestResponse_s * rate_hz_) continue;
      if (!first) first = &e;
      ++count;
    }
  }
  if (!first) return;
  const StoredResponse& r = stored(*first);
  throw DataError(name_of(*first) + ": " + std::to_string(r.samples) + " samples at " + number(r.rate_hz) +
                  " Hz; too short to be a room (expected " + number(kShortestResponse_s) + " s)" +
                  (count > 1 ? ", and " + std::to_string(count - 1) + " more" : "") + "; diffverb data check " +
                  stores_[first->store].path().string() + " finds all of them");
}

void Rirs::check_open() const {
  if (stores_.empty()) throw ContractError("data set rirs: used before open()");
}

const Rirs::Entry& Rirs::entry(Split split, std::int64_t index) const {
  check_open();
  if (index < 0 || index >= size(split))
    throw ContractError("data set rirs: example " + std::to_string(index) + " of " + std::to_string(size(split)));
  return part(split)[static_cast<std::size_t>(index)];
}

std::string Rirs::name_of(const Entry& entry) const {
  const StoredResponse& r = stored(entry);
  return stores_[entry.store].path().string() + ": " + r.file + ", channel " + std::to_string(r.channel + 1);
}

std::string Rirs::describe(Split split, std::int64_t index) const {
  const Entry& e = entry(split, index);
  const StoredResponse& r = stored(e);
  return name_of(e) + ", room " + r.room + ", licence " + r.licence;
}

std::map<std::string, std::int64_t> Rirs::licences(Split split) const {
  check_open();
  std::map<std::string, std::int64_t> out;
  for (const Entry& e : part(split)) ++out[stored(e).licence];
  return out;
}

std::string Rirs::fingerprint() const {
  check_open();
  std::string index;
  for (const Split split : {Split::kTrain, Split::kValidation}) {
    index += split == Split::kTrain ? "train\n" : "validation\n";
    for (const Entry& e : part(split)) index += stored(e).hash + " " + number(stored(e).rate_hz) + "\n";
  }
  return sha256_hex(index);
}

Prepared Rirs::prepare(const Entry& entry) const {
  const StoredResponse& r = stored(entry);
  Audio audio;
  audio.rate_hz = r.rate_hz;
  audio.channels.push_back(stores_[entry.store].read(entry.response));
  const std::vector<float>& raw = audio.channels[0];
  for (std::size_t n = 0; n < raw.size(); ++n) {
    if (!std::isfinite(raw[n])) throw DataError(name_of(entry) + ": sample " + std::to_string(n) + " is not a number");
  }
  std::vector<float> at_rate = std::move(resample(audio, rate_hz_).channels[0]);
  const std::vector<double> samples(at_rate.begin(), at_rate.end());
  const auto onset = static_cast<std::int64_t>(samples.empty() ? 0 : acoustics::find_onset(samples));
  const auto length = static_cast<std::int64_t>(samples.size());
  if (static_cast<double>(length - onset) < kShortestResponse_s * rate_hz_)
    throw DataError(name_of(entry) + ": " + std::to_string(length - onset) + " samples from its onset on at " +
                    number(rate_hz_) + " Hz; too short to be a room (expected " + number(kShortestResponse_s) + " s)");
  Prepared out;
  if (augmentation_.any())
    out.decay = measure_response_decay({at_rate.data() + onset, static_cast<std::size_t>(length - onset)}, rate_hz_);
  const std::int64_t before = std::min(onset, onset_samples_);
  const std::int64_t after = std::min(length - onset, source_samples_ - onset_samples_);
  out.samples.assign(static_cast<std::size_t>(onset_samples_ - before), 0.0f);
  out.samples.insert(out.samples.end(), at_rate.begin() + (onset - before), at_rate.begin() + onset + after);
  return out;
}

/// From the cache, which takes what comes until it is full: an example is the same with and without.
std::shared_ptr<const Prepared> Rirs::prepared(const Entry& entry) const {
  {
    const std::lock_guard lock(mutex_);
    if (cache_[entry.slot]) return cache_[entry.slot];
  }
  auto made = std::make_shared<const Prepared>(prepare(entry));
  const double bytes = static_cast<double>(made->samples.size() * sizeof(float));
  const std::lock_guard lock(mutex_);
  if (!cache_[entry.slot] && cached_bytes_ + bytes <= cache_mb_ * 1e6) {
    cache_[entry.slot] = made;
    cached_bytes_ += bytes;
  }
  return made;
}

void Rirs::augment(std::vector<float>& samples, const Prepared& source, const AugmentationDraw& draw) const {
  ResponseDecay decay = source.decay;
  const auto onset = static_cast<std::size_t>(onset_samples_);
  if (draw.speed != 1) {  // faster: as if it had been taken at a higher rate
    samples = std::move(resample({rate_hz_ * draw.speed, {std::move(samples)}}, rate_hz_).channels[0]);
    const auto moved = static_cast<std::ptrdiff_t>(std::llround(static_cast<double>(onset) / draw.speed));
    if (moved > onset_samples_) samples.erase(samples.begin(), samples.begin() + (moved - onset_samples_));
    if (moved < onset_samples_) samples.insert(samples.begin(), static_cast<std::size_t>(onset_samples_ - moved), 0.0f);
    decay.t60_s /= draw.speed;
    decay.end_samples = static_cast<std::size_t>(static_cast<double>(decay.end_samples) / draw.speed);
  }
  const auto& bands = draw.band_decay_db_per_s;
  if (std::any_of(bands.begin(), bands.end(), [](double d) { return d != 0; }))
    change_band_decay(samples, onset, rate_hz_, decay, bands);
  stretch_decay(samples, onset, rate_hz_, decay, draw.decay);
  const auto crop = std::min<std::size_t>(std::llround(draw.crop_s * rate_hz_), samples.size());
  samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(crop));
}

void Rirs::normalise(std::span<float> samples, const Entry& entry) const {
  if (normalise_ == "none") return;
  double energy = 0, peak = 0;
  for (const float x : samples) {
    energy += static_cast<double>(x) * x;
    peak = std::max(peak, std::abs(static_cast<double>(x)));
  }
  if (!(energy > 0)) throw DataError(name_of(entry) + ": silent");
  const double scale = 1 / (normalise_ == "energy" ? std::sqrt(energy) : peak);
  for (float& x : samples) x = static_cast<float>(x * scale);
}

at::Tensor Rirs::example(Split split, std::int64_t index, std::uint64_t seed) const {
  const Entry& e = entry(split, index);
  const std::shared_ptr<const Prepared> source = prepared(e);
  auto out = at::zeros({1, samples_}, at::kFloat);
  const std::span<float> to(out.data_ptr<float>(), static_cast<std::size_t>(samples_));
  AugmentationDraw draw;
  if (seed != 0 && augmentation_.any()) {
    draw = augmentation_.draw(seed);
    std::vector<float> changed = source->samples;
    augment(changed, *source, draw);
    std::copy_n(changed.begin(), std::min(changed.size(), to.size()), to.begin());
  } else {
    std::copy_n(source->samples.begin(), std::min(source->samples.size(), to.size()), to.begin());
  }
  normalise(to, e);
  if (draw.gain_db != 0) {
    const auto gain = static_cast<float>(std::pow(10.0, draw.gain_db / 20));
    for (float& x : to) x *= gain;
  }
  return out;
}

}  // namespace

DIFFVERB_PART(datasets, rirs, Rirs, "Impulse responses from data files, split by room", "")

}  // namespace diffverb
