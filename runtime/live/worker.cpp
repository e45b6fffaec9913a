#include "runtime/live/worker.h"

#include <algorithm>
#include <system_error>

namespace diffverb::runtime {
namespace {

constexpr std::chrono::milliseconds kPause{5}, kIdlePause{20}, kUntilIdle{1000};
constexpr std::size_t kMostThreads = 4;

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

Worker::Worker() : asker_([this] { ask(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  asked_.notify_all();
  asker_.join();  // it starts the others
  due_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Worker::add(std::shared_ptr<Task> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  asked_.notify_all();
}

bool Worker::is_busy(const Task& task) const {
  return std::find(at_work_.begin(), at_work_.end(), &task) != at_work_.end() ||
         std::any_of(queue_.begin(), queue_.end(), [&](const auto& due) { return due.get() == &task; });
}

void Worker::forget(const Task& task) {
  std::erase_if(tasks_, [&](const auto& one) { return one.get() == &task; });
  std::erase_if(queue_, [&](const auto& one) { return one.get() == &task; });
}

void Worker::leave(const Task& task) {
  const std::lock_guard lock(mutex_);
  forget(task);
}

void Worker::remove(const Task& task) {
  std::unique_lock lock(mutex_);
  forget(task);
  done_.wait(lock, [&] { return !is_busy(task); });
}

void Worker::ask() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    for (const auto& task : tasks_) {
      if (!is_busy(*task) && task->is_due()) queue_.push_back(task);
    }
    hand_out();
    asked_.wait_for(lock, Clock::now() - last_work_ < kUntilIdle ? kPause : kIdlePause);
  }
}

/// Sees to a thread for each task that is due, as far as there may be so many; `mutex_` is held.
void Worker::hand_out() {
  if (queue_.empty()) return;
  try {
    while (threads_.size() < std::min(kMostThreads, queue_.size() + at_work_.size()))
      threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads are to be had: those that there are do it, or later ones.
  }
  due_.notify_all();
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    due_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    std::shared_ptr<Task> task = std::move(queue_.front());
    queue_.pop_front();
    const Task* who = task.get();
    at_work_.push_back(who);
    lock.unlock();
    const bool worked = task->work();
    task.reset();  // it may end here, and may take its time
    lock.lock();
    std::erase(at_work_, who);
    if (worked) last_work_ = Clock::now();
    done_.notify_all();
  }
}

}  // namespace diffverb::runtime
