#include "intercept.h"

#if DIFFVERB_INTERCEPTS
#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <thread>

namespace {

thread_local long long locks = 0;

/// The function that stands behind the one taken over.
template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
#define DIFFVERB_COUNTED(name, Type)                     \
  int name(Type* object) noexcept {                      \
    static auto* const behind = real<int(Type*)>(#name); \
    ++locks;                                             \
    return behind(object);                               \
  }
DIFFVERB_COUNTED(pthread_mutex_lock, pthread_mutex_t)
DIFFVERB_COUNTED(pthread_mutex_trylock, pthread_mutex_t)
DIFFVERB_COUNTED(pthread_rwlock_rdlock, pthread_rwlock_t)
DIFFVERB_COUNTED(pthread_rwlock_wrlock, pthread_rwlock_t)
DIFFVERB_COUNTED(pthread_cond_signal, pthread_cond_t)
DIFFVERB_COUNTED(pthread_cond_broadcast, pthread_cond_t)
DIFFVERB_COUNTED(sem_post, sem_t)
#undef DIFFVERB_COUNTED
}

namespace diffverb::runtime::testing {
namespace {

/// From now on this thread may end, and nothing else; the process may exit.
bool forbid_system_calls() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program{sizeof filter / sizeof filter[0], filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

constexpr int kGood = 0, kBad = 1, kNoFilter = 2;

[[noreturn]] void child(const std::function<void()>& prepare, const std::function<bool()>& act,
                        const std::function<void()>& beside) {
  prepare();
  std::atomic<int> end{-1};
  std::thread silent([&] {
    if (!forbid_system_calls()) {
      end = kNoFilter;
    } else {
      end = act() ? kGood : kBad;
    }
    for (volatile bool forever = true; forever;) {  // even the thread's end would be a system call
    }
  });
  while (end < 0) {
    beside();
    usleep(500);
  }
  _exit(end);
}

}  // namespace

Calls calls_so_far() { return {allocations(), locks}; }

Silence without_system_calls(const std::function<void()>& prepare, const std::function<bool()>& act,
                             const std::function<void()>& beside) {
  const pid_t process = fork();
  if (process < 0) return Silence::kNotPossibleHere;
  if (process == 0) child(prepare, act, beside);
  int status = 0;
  if (waitpid(process, &status, 0) != process) return Silence::kFailed;
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGSYS ? Silence::kBroken : Silence::kFailed;
  if (WEXITSTATUS(status) == kNoFilter) return Silence::kNotPossibleHere;
  return WEXITSTATUS(status) == kGood ? Silence::kKept : Silence::kFailed;
}

}  // namespace diffverb::runtime::testing
#endif
