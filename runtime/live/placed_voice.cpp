#include "runtime/live/placed_voice.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <numeric>

#include "runtime/kernels.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kStride = PlacedVoice::kBlock + kPad;
constexpr float kSilence = 1e-6f;  // -120 dB
constexpr double kFadeSeconds = 0.05, kDropSeconds = 0.1, kSilentSeconds = 1, kLongestRingSeconds = 20;
constexpr double kBeginningSeconds = 0.1, kLatestBeginningSeconds = 1;

}  // namespace

PlacedVoice::PlacedVoice(std::unique_ptr<Voice> voice, double rate_hz, int host_inputs, int host_outputs)
    : voice_(std::move(voice)),
      host_inputs_(host_inputs),
      host_outputs_(host_outputs),
      heard_(static_cast<std::size_t>(std::min(voice_->outputs(), 2))),
      longest_gap_(voice_->longest_gap()) {
  const auto rows = static_cast<std::size_t>(voice_->inputs() + voice_->outputs());
  memory_.assign(rows * kStride, 0.0f);
  for (std::size_t r = 0; r < rows; ++r)
    (r < static_cast<std::size_t>(voice_->inputs()) ? in_ : out_).push_back(memory_.data() + r * kStride);
  find_beginning(rate_hz);
}

void PlacedVoice::find_beginning(double rate_hz) {
  const auto blocks = [&](double seconds) { return static_cast<std::size_t>(std::ceil(seconds * rate_hz / kBlock)); };
  const std::size_t most = blocks(kBeginningSeconds) * heard_ * kBlock;
  beginning_.reserve(most);
  for (float* channel : in_) channel[0] = 1;
  for (std::size_t b = 0; beginning_.size() < most && (!beginning_.empty() || b < blocks(kLatestBeginningSeconds));
       ++b) {
    voice_->process(in_.data(), out_.data(), kBlock);
    for (float* channel : in_) channel[0] = 0;
    const double before = energy_;
    for (std::size_t o = 0; o < heard_; ++o) {
      for (int n = 0; n < kBlock; ++n) energy_ += static_cast<double>(out_[o][n]) * out_[o][n];
    }
    if (beginning_.empty() && energy_ == before) continue;
    if (beginning_.empty()) onset_ = b * heard_ * kBlock;
    for (std::size_t o = 0; o < heard_; ++o) beginning_.insert(beginning_.end(), out_[o], out_[o] + kBlock);
  }
  voice_->reset();
}

float PlacedVoice::likeness(const PlacedVoice& other) const noexcept {
  const std::size_t from = std::max(onset_, other.onset_);
  const std::size_t to = std::min(onset_ + beginning_.size(), other.onset_ + other.beginning_.size());
  if (heard_ != other.heard_ || from >= to || energy_ * other.energy_ <= 0) return 0;
  const float *a = beginning_.data() + (from - onset_), *b = other.beginning_.data() + (from - other.onset_);
  constexpr std::size_t kSums = 16;  // side by side, as the audio thread does it
  float sums[kSums] = {};
  for (std::size_t n = 0; n + kSums <= to - from; n += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += a[n + k] * b[n + k];
  }
  const double product = std::accumulate(std::begin(sums), std::end(sums), 0.0);
  return static_cast<float>(std::clamp(product / std::sqrt(energy_ * other.energy_), 0.0, 1.0));
}

void PlacedVoice::follow(PlacedVoice& other) noexcept {
  alike_ = other.alike_ = likeness(other);
  other.is_leaving_ = true;
}

void PlacedVoice::drop(int samples) noexcept {
  if (drop_samples_ == 0) drop_samples_ = samples;
}

bool PlacedVoice::is_done(int silent_samples) const noexcept {
  return is_leaving_ && faded_ == 0 &&
         (is_dropping() ? dropped_ >= drop_samples_ : silent_ >= std::max<long long>(silent_samples, longest_gap_));
}

void PlacedVoice::fade(float* gains, int frames, const std::vector<float>& fade_in) noexcept {
  const int steps = static_cast<int>(fade_in.size()) - 1;
  if (is_leaving_ ? faded_ == 0 : is_in(steps)) {
    std::fill_n(gains, frames, is_leaving_ ? 0.0f : 1.0f);
    return;
  }
  for (int n = 0; n < frames; ++n) {
    faded_ = is_leaving_ ? std::max(0, faded_ - 1) : std::min(steps, faded_ + 1);
    const float rising = fade_in[static_cast<std::size_t>(faded_)];
    const float falling = fade_in[static_cast<std::size_t>(steps - faded_)];
    gains[n] = rising / std::sqrt(1 + 2 * alike_ * rising * falling);
  }
}

void PlacedVoice::hear(const float* const* in, int frames, const std::vector<float>& fade_in) noexcept {
  float gains[kBlock];
  fade(gains, frames, fade_in);
  for (std::size_t i = 0; i < in_.size(); ++i) {
    float* to = in_[i];
    if (in_.size() == 1 && host_inputs_ == 2) {
      for (int n = 0; n < frames; ++n) to[n] = gains[n] * 0.5f * (in[0][n] + in[1][n]);
      continue;
    }
    const float* from = in[i % static_cast<std::size_t>(host_inputs_)];
    for (int n = 0; n < frames; ++n) to[n] = gains[n] * from[n];
  }
}

/// How long it has been silent since its input fell silent; fades it where it is dropped.
void PlacedVoice::follow_tail(int frames) noexcept {
  if (is_dropping()) {
    for (int n = 0; n < frames; ++n) {
      dropped_ = std::min(drop_samples_, dropped_ + 1);
      const float gain = 1 - static_cast<float>(dropped_) / static_cast<float>(drop_samples_);
      for (float* channel : out_) channel[n] *= gain;
    }
  }
  if (!is_leaving_ || faded_ > 0) return;
  rung_ += frames;
  float peak = 0;
  for (const float* channel : out_) {
    for (int n = 0; n < frames; ++n) peak = std::max(peak, std::abs(channel[n]));
  }
  silent_ = peak < kSilence ? silent_ + frames : 0;
}

void PlacedVoice::add(const float* const* in, float* const* out, int frames,
                      const std::vector<float>& fade_in) noexcept {
  hear(in, frames, fade_in);
  voice_->process(in_.data(), out_.data(), frames);
  follow_tail(frames);
  if (host_outputs_ == 1 && out_.size() > 1) {
    for (int n = 0; n < frames; ++n) out[0][n] += 0.5f * (out_[0][n] + out_[1][n]);
    return;
  }
  for (int o = 0; o < host_outputs_; ++o) {
    const float* from = out_[std::min(static_cast<std::size_t>(o), out_.size() - 1)];
    for (int n = 0; n < frames; ++n) out[o][n] += from[n];
  }
}

void VoiceDeck::prepare(double rate_hz, int outputs) {
  clear();
  outputs_ = outputs;
  const auto samples = [&](double seconds) { return std::max(1, static_cast<int>(std::lround(seconds * rate_hz))); };
  steps_ = samples(kFadeSeconds);
  drop_samples_ = samples(kDropSeconds);
  silent_samples_ = samples(kSilentSeconds);
  longest_ring_ = samples(kLongestRingSeconds);
  fade_in_.resize(static_cast<std::size_t>(steps_) + 1);
  for (int n = 0; n <= steps_; ++n)
    fade_in_[static_cast<std::size_t>(n)] = static_cast<float>(std::sin(std::numbers::pi / 2 * n / steps_));
}

void VoiceDeck::clear() noexcept {
  delete incoming_.exchange(nullptr, std::memory_order_acq_rel);
  collect();
  for (PlacedVoice*& place : places_) {
    delete place;
    place = nullptr;
  }
}

void VoiceDeck::offer(std::unique_ptr<PlacedVoice> voice) noexcept {
  delete incoming_.exchange(voice.release(), std::memory_order_acq_rel);
}

void VoiceDeck::collect() noexcept {
  for (auto& place : outgoing_) delete place.exchange(nullptr, std::memory_order_acq_rel);
}

bool VoiceDeck::has_outgoing() const noexcept {
  return std::any_of(outgoing_.begin(), outgoing_.end(),
                     [](const auto& place) { return place.load(std::memory_order_acquire) != nullptr; });
}

void VoiceDeck::give_back(PlacedVoice*& place) noexcept {
  for (auto& out : outgoing_) {
    if (out.load(std::memory_order_acquire) != nullptr) continue;
    out.store(place, std::memory_order_release);
    place = nullptr;
    return;
  }
}

/// The next voice may come when the one before it is wholly in and a place is free; the oldest one then makes room.
void VoiceDeck::take() noexcept {
  if (is_taken()) return;
  if (places_[0] && !places_[0]->is_in(steps_)) return;
  if (places_[kPlaces - 1]) return;
  PlacedVoice* next = incoming_.exchange(nullptr, std::memory_order_acq_rel);
  if (!next) return;
  for (std::size_t p = kPlaces - 1; p > 0; --p) places_[p] = places_[p - 1];
  places_[0] = next;
  if (places_[1])
    next->follow(*places_[1]);
  else
    next->come_at_once(steps_);
}

void VoiceDeck::process(const float* const* in, float* const* out, int frames) noexcept {
  take();
  for (int o = 0; o < outputs_; ++o) std::fill_n(out[o], frames, 0.0f);
  for (PlacedVoice* voice : places_) {
    if (voice) voice->add(in, out, frames, fade_in_);
  }
  std::size_t kept = 0;
  for (PlacedVoice*& place : places_) {
    if (!place) continue;
    if (place->rung() > longest_ring_) place->drop(drop_samples_);
    if (place->is_done(silent_samples_)) give_back(place);
    if (place) std::swap(places_[kept++], place);
  }
  // One place is kept free for the next voice.
  if (places_[kPlaces - 1]) places_[kPlaces - 1]->drop(drop_samples_);
}

void VoiceDeck::reset() noexcept {
  for (PlacedVoice*& place : places_) {
    if (!place) continue;
    place->reset();
    if (&place != &places_[0]) give_back(place);
  }
}

}  // namespace diffverb::runtime
