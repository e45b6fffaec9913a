#include "runtime/live/worker.h"

#include <algorithm>
#include <chrono>

namespace diffverb::runtime {
namespace {

constexpr std::chrono::milliseconds kPause{5}, kIdlePause{20}, kUntilIdle{1000};

}  // namespace

std::shared_ptr<Worker> Worker::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Worker> one;
  const std::lock_guard lock(mutex);
  std::shared_ptr<Worker> worker = one.lock();
  if (!worker) {
    worker.reset(new Worker);
    one = worker;
  }
  return worker;
}

Worker::Worker() : thread_([this] { run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Worker::add(Task& task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(&task);
  }
  changed_.notify_all();
}

void Worker::remove(Task& task) {
  std::unique_lock lock(mutex_);
  std::erase(tasks_, &task);
  changed_.wait(lock, [&] { return at_work_ != &task; });
}

void Worker::run() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_work = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    for (std::size_t i = 0; i < tasks_.size() && !stop_; ++i) {
      at_work_ = tasks_[i];
      lock.unlock();
      const bool worked = at_work_->work();
      lock.lock();
      if (worked) last_work = Clock::now();
      at_work_ = nullptr;
      changed_.notify_all();
    }
    if (!stop_) changed_.wait_for(lock, Clock::now() - last_work < kUntilIdle ? kPause : kIdlePause);
  }
}

}  // namespace diffverb::runtime
