#include "runtime/live/live_reverb.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>

#include "runtime/denormals.h"
#include "runtime/live/chain.h"
#include "runtime/live/path_text.h"
#include "runtime/live/peak.h"
#include "runtime/live/placed_voice.h"
#include "runtime/live/sources.h"
#include "runtime/live/wav_file.h"
#include "runtime/live/worker.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

constexpr int kBlock = PlacedVoice::kBlock;
constexpr int kGrid = ToneFilter::kGrid;
constexpr std::uint64_t kMostMatchedBytes = std::uint64_t{1} << 30;

/// What a voice of a source has to be made for; the same where only such controls differ as change nothing in it.
Setting setting_of(const ControlValues& values, double rate_hz, const Source& source) {
  Setting setting;
  setting.rate_hz = rate_hz;
  if (source.has_point()) {
    setting.point = {at(values, Control::kX), at(values, Control::kY), at(values, Control::kZ)};
    setting.width = at(values, Control::kWidth);
  }
  setting.variation = {at(values, Control::kDecay), at(values, Control::kSize), at(values, Control::kDamping),
                       at(values, Control::kEarlyLate), source.moves() ? at(values, Control::kModulation) : 1};
  return setting;
}

/// Where a source has the point of the response in a WAV file.
PointResult point_of_file(const Source& source, const std::filesystem::path& path) try {
  const FileBytes file = read_file(path, kMostMatchedBytes);
  if (!file.error.empty()) return {{}, file.error};
  const WavSound sound = read_wav(file.bytes);
  if (!sound.error.empty()) return {{}, sound.error};
  if (sound.channels.size() > 2)
    return {{}, std::to_string(sound.channels.size()) + " channels, expected a response of 1 or 2"};
  return source.point_of(sound.channels, sound.sample_rate_hz);
} catch (const std::exception& error) {
  return {{}, std::string("cannot be read: ") + error.what()};
}

/// A voice where the audio thread can take it, or why there is none.
struct Placed {
  std::unique_ptr<PlacedVoice> voice;
  std::string error;
};

/// Plays up to a second of it, to see where it begins. Nothing is thrown.
Placed place(VoiceResult&& made, double rate_hz, int inputs, int outputs) {
  if (!made.voice) return {nullptr, std::move(made.error)};
  try {
    return {std::make_unique<PlacedVoice>(std::move(made.voice), rate_hz, inputs, outputs), {}};
  } catch (const std::exception& error) {
    return {nullptr, error.what()};
  }
}

}  // namespace

struct LiveReverb::Impl final : Worker::Task {
  Impl();
  bool is_due() noexcept override;
  bool work() noexcept override;
  Setting wanted(const Source& of) const { return setting_of(read(), rate_hz, of); }
  std::shared_ptr<const Source> loaded() const;
  ControlValues read() const noexcept;
  std::string offer(Placed&& placed);
  std::string renew(const Source& next, const Setting& setting);
  void follow(const Source& source_now);
  void note(const Setting& setting, std::string&& error);
  void follow_controls(bool at_once) noexcept;
  int piece(int frames) noexcept;
  void process_piece(const float* const* in, float* const* out, int offset, int frames) noexcept;

  // For everyone.
  std::array<std::atomic<double>, kControlCount> values;
  std::atomic<unsigned> changes{0};  // of values
  Peak in_peak, out_peak[2];
  std::atomic<long long> cleared{0};

  // Whoever makes voices; never the audio thread.
  mutable std::mutex making;
  Setting made;
  /// Counts what makes a voice useless that the worker is making: it makes them without the lock, so that nobody waits.
  std::atomic<unsigned> turns{0};
  std::atomic<bool> ended{false};  // the owner is gone, before it counted its last turn
  std::shared_ptr<Worker> worker;  // the owner's: the worker's threads hold this object too
  // What is told about it; held for moments.
  mutable std::mutex telling;
  std::shared_ptr<const Source> source = built_in_source();
  std::string path, problem;
  double rate_hz = 0;  // 0: not prepared; written under both
  int inputs = 0, outputs = 0;

  VoiceDeck deck;  // both

  // The audio thread.
  Chain chain;
  long long clock = 0;
  unsigned followed = 0;  // of changes
};

LiveReverb::Impl::Impl() {
  for (std::size_t i = 0; i < kControlCount; ++i) values[i].store(controls()[i].initial, std::memory_order_relaxed);
}

ControlValues LiveReverb::Impl::read() const noexcept {
  ControlValues now{};
  for (std::size_t i = 0; i < kControlCount; ++i) now[i] = values[i].load(std::memory_order_relaxed);
  return now;
}

std::shared_ptr<const Source> LiveReverb::Impl::loaded() const {
  const std::lock_guard tell(telling);
  return source;
}

/// Offers a voice to the audio thread; `making` is held. Returns an empty string or why what plays goes on instead.
std::string LiveReverb::Impl::offer(Placed&& placed) {
  if (placed.voice) deck.offer(std::move(placed.voice));
  return std::move(placed.error);
}

/// Makes the voice of a source at a setting and offers it, likewise. Nothing is thrown.
std::string LiveReverb::Impl::renew(const Source& next, const Setting& setting) {
  ++turns;
  std::string error = offer(place(make_guarded([&] { return next.make_voice(setting); }), rate_hz, inputs, outputs));
  if (error.empty()) made = setting;
  return error;
}

/// A voice was made or cannot be: then too the setting counts as made, so that it is not tried again and again.
void LiveReverb::Impl::note(const Setting& setting, std::string&& error) {
  made = setting;
  const std::lock_guard tell(telling);
  problem = std::move(error);
}

/// The voice of what was loaded, at what is set now.
void LiveReverb::Impl::follow(const Source& source_now) {
  const Setting setting = wanted(source_now);
  note(setting, renew(source_now, setting));
}

bool LiveReverb::Impl::is_due() noexcept {
  const std::unique_lock lock(making, std::try_to_lock);
  return lock.owns_lock() && rate_hz > 0 && (deck.has_outgoing() || wanted(*loaded()) != made);
}

bool LiveReverb::Impl::work() noexcept {
  std::unique_lock lock(making, std::try_to_lock);
  if (!lock.owns_lock() || rate_hz == 0) return false;
  deck.collect();
  const std::shared_ptr<const Source> source_now = loaded();
  const Setting setting = wanted(*source_now);
  if (setting == made) return false;
  const unsigned turn = turns;
  if (ended) return false;
  const double rate = rate_hz;
  const int channels_in = inputs, channels_out = outputs;
  lock.unlock();
  Placed placed =
      place(make_guarded([&] { return source_now->make_voice(setting, [&] { return turns.load() != turn; }); }), rate,
            channels_in, channels_out);
  lock.lock();
  if (turns == turn) note(setting, offer(std::move(placed)));
  return true;
}

void LiveReverb::Impl::follow_controls(bool at_once) noexcept {
  followed = changes.load(std::memory_order_acquire);
  chain.aim(read(), at_once);
}

/// How many frames may be played in one go: to the next place of the grid where controls have changed, so that they are
/// followed at the same samples however the calls are cut.
int LiveReverb::Impl::piece(int frames) noexcept {
  frames = std::min(frames, kBlock);
  if (changes.load(std::memory_order_acquire) == followed) return frames;
  const int into_grid = static_cast<int>(clock % kGrid);
  if (into_grid != 0) return std::min(frames, kGrid - into_grid);
  follow_controls(false);
  return frames;
}

void LiveReverb::Impl::process_piece(const float* const* in, float* const* out, int offset, int frames) noexcept {
  const Chain::Heard heard = chain.take(in, offset, frames);
  in_peak.see(heard.peak);
  if (heard.cleared > 0) cleared.fetch_add(heard.cleared, std::memory_order_relaxed);
  deck.process(chain.sent(), chain.wet(), frames);
  chain.finish(out, offset, frames);
  for (int o = 0; o < outputs; ++o) {
    float peak = 0;
    for (int n = 0; n < frames; ++n) peak = std::max(peak, std::abs(out[o][offset + n]));
    out_peak[o].see(peak);
  }
  clock += frames;
}

LiveReverb::LiveReverb() : impl_(std::make_shared<Impl>()) {}

LiveReverb::~LiveReverb() {
  const std::shared_ptr<Worker> worker = std::move(impl_->worker);
  impl_->ended = true;
  ++impl_->turns;
  if (worker) worker->leave(*impl_);
}

std::string LiveReverb::prepare(double rate_hz, int inputs, int outputs) {
  if (std::string error = check_host_rate(rate_hz); !error.empty()) return error;
  if (inputs < 1 || inputs > Chain::kMostChannels || outputs < 1 || outputs > Chain::kMostChannels)
    return std::to_string(inputs) + " inputs and " + std::to_string(outputs) + " outputs, expected 1 or 2 of each";
  const std::lock_guard lock(impl_->making);
  {
    const std::lock_guard tell(impl_->telling);
    impl_->rate_hz = rate_hz, impl_->inputs = inputs, impl_->outputs = outputs;
  }
  impl_->deck.prepare(rate_hz, outputs);
  impl_->chain.prepare(rate_hz, inputs, outputs);
  impl_->clock = 0;
  impl_->cleared = 0;
  impl_->follow_controls(true);
  impl_->follow(*impl_->source);
  // What was loaded cannot be played so: the built-in room can.
  if (!impl_->problem.empty()) (void)impl_->renew(*built_in_source(), impl_->made);
  if (!impl_->worker) {
    impl_->worker = Worker::shared();
    impl_->worker->add(impl_);
  }
  return {};
}

std::string LiveReverb::load(const std::filesystem::path& path) {
  const SourceResult loaded = load_source(path);
  if (!loaded) return path_text(path) + ": " + loaded.error;
  if (std::string error = load(loaded.source); !error.empty()) return path_text(path) + ": " + error;
  const std::lock_guard tell(impl_->telling);
  impl_->path = path_text(path);
  return {};
}

std::string LiveReverb::load(std::shared_ptr<const Source> source) {
  if (!source) source = built_in_source();
  const std::lock_guard lock(impl_->making);
  if (impl_->rate_hz > 0) {
    if (std::string error = impl_->renew(*source, impl_->wanted(*source)); !error.empty()) return error;
  }
  const std::lock_guard tell(impl_->telling);
  impl_->source.swap(source);  // the old one, which may be large, goes after the locks
  impl_->path.clear();
  impl_->problem.clear();
  return {};
}

std::string LiveReverb::match(const std::filesystem::path& path) {
  const PointResult found = point_of_file(*impl_->loaded(), path);
  if (!found.error.empty()) return path_text(path) + ": " + found.error;
  constexpr Control kPoint[] = {Control::kX, Control::kY, Control::kZ};
  for (std::size_t i = 0; i < found.point.size(); ++i) set(kPoint[i], found.point[i]);
  return {};
}

Playing LiveReverb::playing() const {
  const std::lock_guard tell(impl_->telling);
  Playing playing;
  const Source& source = *impl_->source;
  playing.kind = source.kind();
  playing.title = source.title();
  playing.path = impl_->path;
  playing.has_point = source.has_point();
  playing.moves = source.moves();
  playing.is_built_in = impl_->source == built_in_source();
  playing.rate_hz = impl_->rate_hz;
  playing.inputs = impl_->inputs;
  playing.outputs = impl_->outputs;
  playing.problem = impl_->problem;
  return playing;
}

void LiveReverb::set(Control control, double value) noexcept {
  if (control < Control::kInputGain || control >= Control::kCount || std::isnan(value)) return;
  const ControlInfo& c = info(control);
  value = std::clamp(value, c.lowest, c.highest);
  if (c.taper == Taper::kSwitch) value = value < 0.5 ? 0 : 1;
  auto& place = impl_->values[static_cast<std::size_t>(control)];
  if (place.exchange(value, std::memory_order_relaxed) != value) impl_->changes.fetch_add(1, std::memory_order_release);
}

double LiveReverb::get(Control control) const noexcept {
  if (control < Control::kInputGain || control >= Control::kCount) return 0;
  return impl_->values[static_cast<std::size_t>(control)].load(std::memory_order_relaxed);
}

void LiveReverb::process(const float* const* in, float* const* out, int frames) noexcept {
  if (impl_->rate_hz == 0) return;
  const FlushDenormals flush;
  for (int done = 0; done < frames;) {
    const int count = impl_->piece(frames - done);
    impl_->process_piece(in, out, done, count);
    done += count;
  }
}

void LiveReverb::reset() noexcept {
  impl_->deck.reset();
  impl_->chain.reset();
}

Levels LiveReverb::levels() noexcept {
  return {impl_->in_peak.take(),
          {impl_->out_peak[0].take(), impl_->out_peak[1].take()},
          impl_->cleared.load(std::memory_order_relaxed)};
}

void LiveReverb::settle() {
  const std::lock_guard lock(impl_->making);
  ++impl_->turns;  // what the worker is making is not wanted, even where the setting is back at what plays
  if (impl_->rate_hz == 0 || impl_->wanted(*impl_->source) == impl_->made) return;
  impl_->follow(*impl_->source);
}

std::vector<std::vector<float>> LiveReverb::response(double seconds) const {
  LiveReverb one;
  for (std::size_t i = 0; i < kControlCount; ++i)
    one.set(static_cast<Control>(i), impl_->values[i].load(std::memory_order_relaxed));
  one.set(Control::kMix, 100);
  one.set(Control::kInputGain, 0);
  one.set(Control::kFreeze, 0);
  double rate_hz = 0;
  int inputs = 0, outputs = 0;
  {
    const std::lock_guard tell(impl_->telling);
    one.impl_->source = impl_->source;
    rate_hz = impl_->rate_hz, inputs = impl_->inputs, outputs = impl_->outputs;
  }
  if (rate_hz == 0 || !one.prepare(rate_hz, inputs, outputs).empty()) return {};
  const auto frames = static_cast<std::size_t>(std::max(1LL, std::llround(seconds * rate_hz)));
  std::vector<float> impulse(frames, 0.0f);
  impulse[0] = 1;
  std::vector<std::vector<float>> out(static_cast<std::size_t>(outputs), std::vector<float>(frames));
  const float* from[] = {impulse.data(), impulse.data()};
  float* to[] = {out.front().data(), out.back().data()};
  one.process(from, to, static_cast<int>(frames));
  return out;
}

}  // namespace diffverb::runtime
