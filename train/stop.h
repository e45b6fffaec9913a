#pragma once

namespace diffverb {

/// While one lives, SIGINT, SIGTERM, SIGUSR1 (what Slurm is told to send before a job's time is over) and SIGHUP (the
/// terminal is closed) ask the loop to stop instead of killing the process; a second one of the same kind kills, but
/// for SIGHUP, which shell and kernel send both. A SIGHUP that is ignored stays so (nohup). Several may live, one within
/// another or in several threads: the first forgets what was asked before it, the last puts the signals back.
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

/// From now on, what goes to a pipe that nobody reads any more is lost, and the process goes on: a long run outlives
/// the `head` or `tee` behind it.
void outlive_closed_pipes() noexcept;

}  // namespace diffverb
