#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace diffverb::runtime {

/// Threads for everything in the process that has work to do off its audio thread. One asks each task every 5 ms, every
/// 20 ms where nothing had to be done for a second, whether something is due: an audio thread then needs no system call to
/// wake it. Up to four others do the work, started as they are needed: what takes long holds up no other task.
class Worker {
 public:
  /// What is asked. Never at work twice at a time.
  class Task {
   public:
    virtual ~Task() = default;
    /// Whether work() may have something to do. Takes moments and calls nothing of the worker.
    virtual bool is_due() noexcept { return true; }
    /// Does what there is to do; whether there was anything.
    virtual bool work() noexcept = 0;
  };

  /// The process's worker; it ends with the last one who holds it, when what is at work has ended. A task must not be that
  /// last one.
  static std::shared_ptr<Worker> shared();
  ~Worker();

  void add(std::shared_ptr<Task> task);
  /// One that outlives remove().
  void add(Task& task) { add(std::shared_ptr<Task>(std::shared_ptr<Task>(), &task)); }
  /// The task is not asked any more. Does not wait: while it is at work it is kept.
  void leave(const Task& task);
  /// The same; returns when the task is not at work any more.
  void remove(const Task& task);

 private:
  using Clock = std::chrono::steady_clock;

  Worker();
  void ask();
  void work();
  void hand_out();
  bool is_busy(const Task& task) const;
  void forget(const Task& task);

  std::mutex mutex_;
  std::condition_variable asked_, due_, done_;
  std::vector<std::shared_ptr<Task>> tasks_;
  std::deque<std::shared_ptr<Task>> queue_;  // due, not at work yet
  std::vector<const Task*> at_work_;
  Clock::time_point last_work_ = Clock::now();
  bool stop_ = false;
  std::vector<std::thread> threads_;
  std::thread asker_;  // last: it uses all that
};

}  // namespace diffverb::runtime
