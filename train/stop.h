#pragma once

namespace diffverb {

/// While one lives, SIGINT, SIGTERM and SIGUSR1 (what Slurm is told to send before a job's time is over) ask the loop
/// to stop instead of killing the process; a second one of the same kind kills.
///
/// A loop polls stop_requested(), writes its checkpoint and returns; its command sets Context::exit_code to
/// kStoppedExitCode.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
};

constexpr int kStoppedExitCode = 130;  // what a shell reports for a program ended by Ctrl-C

bool stop_requested() noexcept;

}  // namespace diffverb
