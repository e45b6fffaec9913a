#pragma once

#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace diffverb {

/// Says each half second that this rank is alive, and watches the others, over a store that all of them reach.
///
/// A thread of its own with a connection of its own: a rank that computes or waits for long still beats; one that was
/// killed or stopped does not.
class Heartbeat {
 public:
  Heartbeat(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, bool store_is_of_rank_0);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// Why the job cannot go on: a rank that has reported an error, has been silent for `silent_s`, or the store that is
  /// gone. Empty where all is well.
  std::string trouble(double silent_s) const;
  /// Tells all ranks why the job ends; the first such message counts. Never throws.
  void report_failure(const std::string& message) noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace diffverb
