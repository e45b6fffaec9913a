#include "train/stop.h"

#include <atomic>
#include <csignal>
#include <mutex>

namespace diffverb {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may set it");
std::mutex mutex;  // of what follows
int alive = 0;
bool takes_hang_up = false;

extern "C" void note_stop(int signal) {
  requested.store(true);
  if (signal != SIGHUP) std::signal(signal, SIG_DFL);  // whoever asks twice means it
}

}  // namespace

StopOnSignal::StopOnSignal() {
  const std::lock_guard lock(mutex);
  if (alive++ > 0) return;
  requested.store(false);
  std::signal(SIGINT, note_stop);
  std::signal(SIGTERM, note_stop);
  std::signal(SIGUSR1, note_stop);
  takes_hang_up = std::signal(SIGHUP, note_stop) != SIG_IGN;
  if (!takes_hang_up) std::signal(SIGHUP, SIG_IGN);
}

StopOnSignal::~StopOnSignal() {
  const std::lock_guard lock(mutex);
  if (--alive > 0) return;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR1, SIG_DFL);
  if (takes_hang_up) std::signal(SIGHUP, SIG_DFL);
}

bool stop_requested() noexcept { return requested.load(); }

void outlive_closed_pipes() noexcept { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace diffverb
