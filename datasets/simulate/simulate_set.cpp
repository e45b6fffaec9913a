#include "datasets/simulate/simulate_set.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/sha256.h"
#include "datasets/response_store.h"

namespace diffverb {
namespace {

constexpr const char* kMethod = "diffverb simulate 1";  // a new number where the same settings give another sound
constexpr double kDecayStepS = 0.002;

struct Rendered {
  std::vector<StoredResponse> responses;
  std::vector<std::vector<float>> samples;
};

/// Samples until all bands have fallen by trim_db, after the time that the farthest receiver's sound needs.
std::size_t trimmed_samples(const RoomRange& range, const SimulatedRoom& room, const EnergyDecay& decay) {
  const double rate = range.settings.rate_hz;
  const auto longest = static_cast<std::size_t>(std::ceil(range.length_s * rate));
  if (range.trim_db <= 0) return longest;
  const double least = std::pow(10, -range.trim_db / 10);
  std::size_t last = 0;
  for (std::size_t b = 0; b < decay.bands; ++b) {
    std::size_t t = decay.steps - 1;
    while (t > last &&
           decay.total(b, t) * std::exp(-room.air_per_m[b] * room.speed_m_s * decay.step_s * static_cast<double>(t)) <
               least)
      --t;
    last = std::max(last, t);
  }
  const Point& s = room.size_m;
  const double across_s = std::sqrt(s[0] * s[0] + s[1] * s[1] + s[2] * s[2]) / room.speed_m_s;
  const double until_s = across_s + 0.05 + static_cast<double>(last) * decay.step_s;
  return std::min(longest, static_cast<std::size_t>(std::ceil(until_s * rate)));
}

/// Responses of one room, from number `first` on.
struct Piece {
  std::int64_t room = 0, first = 0, count = 0;
};

Rendered render(const RoomRange& range, const FractionalDelay& delay, const Piece& piece) {
  const std::int64_t index = piece.room;
  const SimulatedRoom room = range.draw_room(index);
  const auto places = range.draw_places(index, room.size_m);
  const EnergyDecay decay =
      energy_decay(room.size_m, room.absorption, room.scattering, room.speed_m_s, range.length_s + 0.1, kDecayStepS);
  const std::size_t samples = trimmed_samples(range, room, decay);
  Rendered out;
  std::int64_t number = 0;
  for (std::size_t s = 0; s < places.sources.size(); ++s) {
    for (std::size_t r = 0; r < places.receivers.size(); ++r, ++number) {
      if (number < piece.first || number >= piece.first + piece.count) continue;
      StoredResponse response;
      response.file = range.room_name(index) + "/source_" + std::to_string(s);
      response.channel = static_cast<int>(r);
      response.room = range.room_name(index);
      response.licence = "CC0-1.0";
      response.origin = "simulated";
      response.rate_hz = range.settings.rate_hz;
      response.source_m = places.sources[s];
      response.receiver_m = places.receivers[r];
      out.responses.push_back(std::move(response));
      out.samples.push_back(simulate_response(room, decay, places.sources[s], places.receivers[r], samples,
                                              range.settings, delay,
                                              range.room_seed(index, "response " + std::to_string(number))));
    }
  }
  return out;
}

/// Pieces are rendered on threads and taken in their order; at most a few wait to be taken.
class RenderQueue {
 public:
  RenderQueue(int threads, std::size_t pieces, std::function<Rendered(std::size_t)> render)
      : render_(std::move(render)), end_(pieces), ahead_(2 * static_cast<std::size_t>(threads) + 2) {
    for (int t = 0; t < threads; ++t) workers_.emplace_back([this] { work(); });
  }
  ~RenderQueue() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  RenderQueue(const RenderQueue&) = delete;
  RenderQueue& operator=(const RenderQueue&) = delete;

  /// The next piece; rethrows what rendering threw.
  Rendered take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failure_ || done_.count(taken_); });
    if (failure_) std::rethrow_exception(failure_);
    Rendered out = std::move(done_.extract(taken_).mapped());
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    return out;
  }

 private:
  void work() {
    for (;;) {
      std::size_t mine = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return closed_ || failure_ || next_ >= end_ || next_ < taken_ + ahead_; });
        if (closed_ || failure_ || next_ >= end_) return;
        mine = next_++;
      }
      try {
        Rendered rendered = render_(mine);
        const std::lock_guard lock(mutex_);
        done_.emplace(mine, std::move(rendered));
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
      changed_.notify_all();
    }
  }

  std::function<Rendered(std::size_t)> render_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, Rendered> done_;
  std::exception_ptr failure_;
  std::size_t next_ = 0, taken_ = 0, end_, ahead_;
  bool closed_ = false;
  std::vector<std::thread> workers_;
};

/// What is left to do after `kept` responses; a room of many is cut into several pieces, so that memory does not grow
/// with them.
std::vector<Piece> pieces_after(const RoomRange& range, std::int64_t kept, std::int64_t responses) {
  constexpr std::int64_t kMostAtOnce = 16;
  std::vector<Piece> pieces;
  std::int64_t before = 0;
  for (std::int64_t room = 0; before < responses; ++room) {
    const std::int64_t pairs = range.pairs(room), end = std::min(pairs, responses - before);
    for (std::int64_t first = std::clamp<std::int64_t>(kept - before, 0, end); first < end; first += kMostAtOnce)
      pieces.push_back({room, first, std::min(kMostAtOnce, end - first)});
    before += pairs;
  }
  return pieces;
}

std::filesystem::path index_beside(const std::filesystem::path& path) { return path.string() + ".partial.index"; }

/// Whether the file is there already, whole, and made from the same settings; any other one is refused, unless it may
/// be replaced.
bool is_complete(const std::filesystem::path& path, const std::string& key, bool overwrite, SimulateResult& result) {
  if (!std::filesystem::exists(path)) return false;
  std::optional<ResponseStore> there;
  try {
    there.emplace(ResponseStore::open(path));
  } catch (const DataError&) {
    if (overwrite) return false;
    throw;
  }
  const ResponseStore& store = *there;
  const auto found = store.notes().find("key");
  const bool same = found != store.notes().end() && found->second == key;
  if (!same && overwrite) return false;
  if (!same)
    throw ConfigError(
        path.string() + ": --resume goes on with an interrupted set, but " +
        (found == store.notes().end() ? "a data set that was not simulated" : "a finished set of other settings") +
        " is there; expected the settings that made it, another -o, or --overwrite to replace it");
  result.responses = result.kept = static_cast<std::int64_t>(store.size());
  result.was_complete = true;
  for (const StoredResponse& r : store.responses()) result.sound_s += static_cast<double>(r.samples) / r.rate_hz;
  return true;
}

}  // namespace

std::int64_t rooms_for(const RoomRange& range, std::int64_t count) {
  std::int64_t rooms = 0;
  for (std::int64_t have = 0; have < count; ++rooms) have += range.pairs(rooms);
  return rooms;
}

SimulateResult simulate_set(const RoomRange& range, const std::filesystem::path& path, const SimulateOptions& options) {
  if (options.count && *options.count < 1) throw ConfigError("count: expected at least 1 response");
  SimulateResult result;
  result.rooms = options.count ? rooms_for(range, *options.count) : range.rooms;
  std::int64_t responses = options.count.value_or(0);
  for (std::int64_t i = 0; !options.count && i < range.rooms; ++i) responses += range.pairs(i);
  const std::string key = sha256_hex(std::string(kMethod) + "\n" + std::to_string(responses) + "\n" + options.settings);
  std::error_code ignored;
  const bool interrupted = std::filesystem::file_size(index_beside(path), ignored) > 0 && !ignored;
  if (interrupted && !options.resume)
    throw DataError(path.string() + ": an interrupted set is there; --resume goes on with it, or take " +
                    path.string() + ".partial and " + index_beside(path).string() + " away");
  if (options.resume && is_complete(path, key, options.overwrite, result)) {
    if (interrupted) ResponseStoreWriter::resume(path, key).discard();  // killed between the file and its cleaning up
    return result;
  }

  auto writer = ResponseStoreWriter::resume(path, key);
  result.kept = static_cast<std::int64_t>(writer.size());
  for (const StoredResponse& r : writer.responses()) result.sound_s += static_cast<double>(r.samples) / r.rate_hz;
  const FractionalDelay delay(range.settings.taps, range.settings.phases);
  const auto pieces = pieces_after(range, result.kept, responses);
  std::int64_t done = result.kept;
  {
    RenderQueue queue(options.threads, pieces.size(),
                      [&](std::size_t index) { return render(range, delay, pieces[index]); });
    for (std::size_t p = 0; p < pieces.size(); ++p) {
      if (options.stop && options.stop()) {
        result.stopped = true;
        break;
      }
      const Rendered rendered = queue.take();
      for (std::size_t i = 0; i < rendered.samples.size(); ++i, ++done) {
        writer.add(rendered.responses[i], rendered.samples[i]);
        result.sound_s += static_cast<double>(rendered.samples[i].size()) / range.settings.rate_hz;
      }
      if (options.progress) options.progress(done, responses);
    }
  }
  result.responses = done;
  if (result.stopped) return result;
  writer.set_note("key", key);
  writer.set_note("method", kMethod);
  writer.set_note("settings", options.settings);
  writer.set_note("command", options.command);
  writer.commit();
  return result;
}

std::string room_table(const RoomRange& range, std::int64_t rooms) {
  const auto bands = range.bands_hz();
  std::string text = "room,length_m,width_m,height_m,volume_m3,scattering_1k,jitter_m,eyring_1000_s";
  for (const double hz : bands) text += ",t30_" + std::to_string(static_cast<int>(hz)) + "_s";
  text += "\n";
  for (std::int64_t i = 0; i < rooms; ++i) {
    const SimulatedRoom room = range.draw_room(i);
    const double guess = 4 * eyring_time_s(room.size_m, 0.01, room.speed_m_s);  // longer than any room's decay
    char line[160];
    const auto middle = std::min<std::size_t>(3, bands.size() - 1);
    const auto shares = wall_shares(room.size_m);
    double mean = 0;
    for (int w = 0; w < 6; ++w) mean += shares[w] * room.absorption[w][middle];
    const double eyring = eyring_time_s(room.size_m, mean, room.speed_m_s, room.air_per_m[middle]);
    std::snprintf(line, sizeof line, "%s,%.3f,%.3f,%.3f,%.2f,%.3f,%.3f,%.4f", range.room_name(i).c_str(),
                  room.size_m[0], room.size_m[1], room.size_m[2], volume_m3(room.size_m), room.scattering[middle],
                  room.jitter_m, eyring);
    text += line;
    for (std::size_t b = 0; b < bands.size(); ++b) {
      double length_s = 0.05, t30 = 0;  // grown until the decay is deep enough
      for (; t30 == 0 && length_s < 4 * guess; length_s *= 2) {
        std::array<std::vector<double>, 6> band;
        for (int w = 0; w < 6; ++w) band[w] = {room.absorption[w][b]};
        const auto decay =
            energy_decay(room.size_m, band, {room.scattering[b]}, room.speed_m_s, length_s, length_s / 300);
        t30 = decay_time_s(decay, 0, room.speed_m_s, room.air_per_m[b]);
      }
      std::snprintf(line, sizeof line, ",%.4f", t30);
      text += line;
    }
    text += "\n";
  }
  return text;
}

}  // namespace diffverb
