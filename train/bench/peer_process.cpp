#include "train/bench/peer_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/error.h"

namespace diffverb {
namespace {

/// The environment of the child: ours with a few settings put in place of what stands there.
std::vector<std::string> environment(int threads) {
  const std::vector<std::string> ours = {"MALLOC_MMAP_THRESHOLD_=8589934592", "MALLOC_TRIM_THRESHOLD_=8589934592",
                                         "MALLOC_TOP_PAD_=268435456", "OMP_NUM_THREADS=" + std::to_string(threads)};
  std::vector<std::string> out = ours;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const std::string& setting : ours) replaced |= text.rfind(setting.substr(0, setting.find('=') + 1), 0) == 0;
    if (!replaced) out.push_back(text);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

PeerProcess::PeerProcess(std::vector<std::string> words, int threads) : name_(words.at(0)) {
  std::vector<std::string> settings = environment(threads);
  // All that allocates happens before fork(): other threads may hold the allocator's lock.
  const auto argv = pointers(words), envp = pointers(settings);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0) throw DataError("no pipe to " + name_ + ": " + std::strerror(errno));
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]);
    close(in[1]);
    throw DataError("no pipe from " + name_ + ": " + std::strerror(errno));
  }
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (pid_ < 0) throw DataError(name_ + " cannot be started: " + std::strerror(errno));
}

PeerProcess::~PeerProcess() {
  close(to_);  // the end of its input ends it
  close(from_);
  if (pid_ <= 0) return;
  for (int k = 0; k < 100; ++k) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) return;
    usleep(20000);
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<std::string> PeerProcess::read() {
  for (;;) {
    const auto end = pending_.find('\n');
    if (end != std::string::npos) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    char buffer[4096];
    const ssize_t got = ::read(from_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    pending_.append(buffer, static_cast<std::size_t>(got));
  }
}

void PeerProcess::write(const std::string& line) {
  const std::string text = line + "\n";
  // A pipe without a reader would end us: the answer that does not come says it as well.
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  const bool whole = ::write(to_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  sigaction(SIGPIPE, &before, nullptr);
  if (!whole) throw DataError("the peer " + name_ + " has ended early");
}

}  // namespace diffverb
