#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace diffverb::runtime {

/// One thread for everything in the process that has work to do off its audio thread. It asks each of them every 5 ms, every
/// 20 ms where nothing had to be done for a second: an audio thread then needs no system call to wake it.
class Worker {
 public:
  /// What is asked.
  class Task {
   public:
    virtual ~Task() = default;
    /// Does what there is to do; whether there was anything.
    virtual bool work() noexcept = 0;
  };

  /// The process's worker; it ends with the last one who holds it.
  static std::shared_ptr<Worker> shared();
  ~Worker();

  void add(Task& task);
  /// Returns when the task is not at work any more.
  void remove(Task& task);

 private:
  Worker();
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Task*> tasks_;
  Task* at_work_ = nullptr;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace diffverb::runtime
