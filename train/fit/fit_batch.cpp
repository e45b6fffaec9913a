#include "train/fit/fit_batch.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "core/log.h"
#include "core/progress.h"
#include "datasets/response_file.h"
#include "train/failure.h"
#include "train/process.h"
#include "train/stop.h"

namespace diffverb {
namespace {

/// How far the rooms are: the threads that fit them say it, one that watches shows it in one line.
class BatchProgress {
 public:
  explicit BatchProgress(std::vector<double> weights)
      : weights_(std::move(weights)),
        shares_(weights_.size(), 0.0),
        progress_({.title = "rooms",
                   .total = static_cast<std::int64_t>(weights_.size()),
                   .first = 0,
                   .per = "a minute",
                   .per_s = 60}) {}

  void begin(std::size_t room) { set(room, 0, 1, 0); }
  void advance(std::size_t room, double share) { set(room, share, 0, 0); }
  void end(std::size_t room) { set(room, 1, -1, 1); }

  void show() {
    const std::lock_guard lock(mutex_);
    progress_.set_note(under_way_ > 0 ? std::to_string(under_way_) + " under way" : "");
    progress_.update(ended_, std::nan(""), std::clamp(behind_, 0.0, 1.0));
  }

 private:
  void set(std::size_t room, double share, int more_under_way, int more_ended) {
    const std::lock_guard lock(mutex_);
    behind_ += weights_[room] * (share - shares_[room]);
    shares_[room] = share;
    under_way_ += more_under_way;
    ended_ += more_ended;
  }

  std::mutex mutex_;
  std::vector<double> weights_, shares_;  // of all work, summing to 1; of each room's
  double behind_ = 0;
  std::int64_t under_way_ = 0, ended_ = 0;
  Progress progress_;
};

/// How long each room is; 0 where its file cannot be opened.
std::vector<std::int64_t> samples_of(const std::vector<BatchRoom>& rooms) {
  std::vector<std::filesystem::path> inputs;
  for (const BatchRoom& room : rooms) inputs.push_back(room.input);
  return promised_samples(inputs);
}

/// What each room costs, of all: its samples, and what a fit takes however short the response is.
std::vector<double> weights_of(const std::vector<std::int64_t>& samples) {
  constexpr double kLeast = 20000;
  std::vector<double> weights;
  for (const std::int64_t count : samples) weights.push_back(count > 0 ? static_cast<double>(count) + kLeast : 1);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// What cannot be opened (better told now than in an hour), then the longest first.
std::vector<std::size_t> order_of(const std::vector<std::int64_t>& samples) {
  std::vector<std::size_t> order(samples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t room) { return std::make_pair(samples[room] > 0, -samples[room]); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

/// The rooms, and how each of them ended.
class BatchFit {
 public:
  BatchFit(const std::vector<BatchRoom>& rooms, const FitOptions& shared)
      : rooms_(rooms),
        shared_(shared),
        endings_(rooms.size()),
        samples_(samples_of(rooms)),
        order_(order_of(samples_)),
        progress_(weights_of(samples_)) {}

  /// Returns when no room is left, or once a signal has come and those under way have ended.
  void run(std::int64_t at_once) {
    progress_.show();
    std::vector<std::jthread> threads;
    working_ = std::min(at_once, static_cast<std::int64_t>(rooms_.size()));
    for (std::int64_t k = working_; k > 0; --k) threads.emplace_back([this] { work(); });
    std::unique_lock lock(mutex_);
    while (working_ > 0) {
      a_thread_ended_.wait_for(lock, kShowEvery);
      progress_.show();
    }
  }

  BatchOutcome outcome() const {
    BatchOutcome out;
    for (const Ending& ending : endings_) {
      out.exit_code = std::max(out.exit_code, ending.exit_code);
      if (ending.exit_code > 0) {
        ++out.failed;
      } else if (!ending.fit || (ending.fit->stopped && !ending.fit->resumable)) {
        ++out.not_begun;
      } else if (ending.fit->stopped) {
        out.stopped.push_back(*ending.fit);
      } else {
        out.done.push_back(ending.fit->folder);
      }
    }
    return out;
  }

 private:
  static constexpr std::chrono::milliseconds kShowEvery{100};
  struct Ending {
    std::optional<FitOutcome> fit;
    int exit_code = 0;
  };

  void work() {
    const ThreadLog messages(log(), LogLevel::kWarning);
    tune_process(1, /*deterministic=*/false);  // on a GPU another fit may have left that already
    while (const std::optional<std::size_t> room = next()) {
      progress_.begin(*room);
      fit(*room);
      progress_.end(*room);
    }
    const std::lock_guard lock(mutex_);
    --working_;
    a_thread_ended_.notify_one();
  }

  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (taken_ == order_.size() || stop_requested()) return std::nullopt;
    return order_[taken_++];
  }

  void fit(std::size_t room) {
    FitOptions options = shared_;
    options.input = rooms_[room].input;
    options.out = rooms_[room].folder;
    options.on_progress = [this, room](double share) { progress_.advance(room, share); };
    try {
      endings_[room].fit = fit_response(options);
    } catch (const std::exception&) {
      const Failure failure = current_failure();
      log().error(message_about(options.input, failure.message));
      endings_[room].exit_code = failure.exit_code;
    }
  }

  const std::vector<BatchRoom>& rooms_;
  const FitOptions& shared_;
  std::vector<Ending> endings_;  // each written by the thread that has its room
  std::vector<std::int64_t> samples_;
  std::vector<std::size_t> order_;  // in which rooms are taken
  BatchProgress progress_;
  std::mutex mutex_;  // of what follows
  std::condition_variable a_thread_ended_;
  std::size_t taken_ = 0;
  std::int64_t working_ = 0;  // threads
};

bool sets_threads(const std::string& overlay) { return overlay.rfind("threads=", 0) == 0; }

}  // namespace

std::int64_t rooms_at_once(const FitOptions& shared) {
  const std::int64_t configured = configured_threads(shared);
  const bool asked = std::any_of(shared.overlays.begin(), shared.overlays.end(), sets_threads);
  return asked ? configured : std::max(1u, std::thread::hardware_concurrency());
}

BatchOutcome fit_batch(const std::vector<BatchRoom>& rooms, const FitOptions& shared, std::int64_t at_once) {
  FitOptions options = with_config_read(shared);
  options.overlays.push_back("threads=1");
  outlive_closed_pipes();
  const StopOnSignal guard;
  tune_process(1);
  BatchFit batch(rooms, options);
  batch.run(at_once);
  return batch.outcome();
}

}  // namespace diffverb
