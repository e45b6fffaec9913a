#include "train/training/heartbeat.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "train/training/seconds_since.h"

namespace diffverb {

using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kBeatEvery{500};
constexpr std::chrono::milliseconds kStoreAnswers{10000};

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

struct Heartbeat::State {
  struct Peer {
    std::string beat;
    Clock::time_point changed = Clock::now();
  };

  void run() {
    std::unique_lock<std::mutex> lock(mutex);
    for (std::int64_t count = 0; !ends && !lost; ++count) {
      lock.unlock();
      bool good = true;
      std::vector<std::string> beats;
      std::string failed;
      try {
        store->set("beat/" + std::to_string(rank), std::to_string(count));
        beats = read_beats();
        if (store->check({"failed"})) failed = text_of(store->get("failed"));
      } catch (const std::exception&) {
        good = false;
      }
      lock.lock();
      lost = !good;  // a broken connection does not mend
      if (good) note(beats, failed);
      wake.wait_for(lock, kBeatEvery, [&] { return ends; });
    }
  }

  std::vector<std::string> read_beats() {
    std::vector<std::string> beats(static_cast<std::size_t>(size));
    for (int other = 0; other < size; ++other) {
      const std::string key = "beat/" + std::to_string(other);
      if (other != rank && store->check({key})) beats[static_cast<std::size_t>(other)] = text_of(store->get(key));
    }
    return beats;
  }

  void note(const std::vector<std::string>& beats, const std::string& failed) {
    for (std::size_t i = 0; i < beats.size(); ++i) {
      if (beats[i] == peers[i].beat) continue;
      peers[i].beat = beats[i];
      peers[i].changed = Clock::now();
    }
    if (!failed.empty()) failure = failed;
  }

  c10::intrusive_ptr<c10d::Store> store, reports;  // two connections: neither waits for the other
  int rank = 0, size = 1;
  bool store_is_of_rank_0 = true;
  mutable std::mutex mutex;
  std::condition_variable wake;
  bool ends = false;
  std::vector<Peer> peers;
  bool lost = false;  // the store
  bool reported = false;
  std::string failure;
  std::thread thread;
};

Heartbeat::Heartbeat(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, bool store_is_of_rank_0)
    : state_(std::make_shared<State>()) {
  state_->store = store->clone();
  state_->reports = store->clone();
  state_->store->setTimeout(kStoreAnswers);
  state_->reports->setTimeout(kStoreAnswers);
  state_->rank = rank;
  state_->size = size;
  state_->store_is_of_rank_0 = store_is_of_rank_0;
  state_->peers.resize(static_cast<std::size_t>(size));
  state_->thread = std::thread([state = state_] { state->run(); });
}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->ends = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

std::string Heartbeat::trouble(double silent_s) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (!state_->failure.empty()) return state_->failure;
  if (state_->lost)
    return state_->store_is_of_rank_0 ? "rank 0 no longer answers (was it killed?)"
                                      : "the store of torchrun no longer answers (was it killed?)";
  for (int other = 0; other < state_->size; ++other) {
    const State::Peer& peer = state_->peers[static_cast<std::size_t>(other)];
    if (other != state_->rank && seconds_since(peer.changed) > silent_s)
      return "rank " + std::to_string(other) + " no longer answers (was it killed, or its machine lost?)";
  }
  return "";
}

void Heartbeat::report_failure(const std::string& message) noexcept {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (state_->lost || state_->reported) return;
    state_->reported = true;
  }
  try {
    state_->reports->compareSet("failed", std::string(), message);
    // The store goes with rank 0: not before the others have had time to read this.
    if (state_->rank == 0 && state_->store_is_of_rank_0) std::this_thread::sleep_for(3 * kBeatEvery);
  } catch (...) {  // nobody is left to be told
  }
}

}  // namespace diffverb
