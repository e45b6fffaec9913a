#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/scratch.h"

namespace diffverb {

/// A program of ours that runs beside the test, as a user would start it; its output goes to files in a scratch folder.
class Program {
 public:
  Program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
          const std::filesystem::path& folder)
      : out_(folder / "stdout"), err_(folder / "stderr") {
    pid_ = fork();
    if (pid_ == 0) {
      if (!std::freopen(out_.c_str(), "w", stdout) || !std::freopen(err_.c_str(), "w", stderr)) std::_Exit(126);
      std::vector<char*> argv;
      std::string name = program.string();
      argv.push_back(name.data());
      std::vector<std::string> copies = arguments;
      for (std::string& argument : copies) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(name.c_str(), argv.data());
      std::_Exit(127);
    }
  }
  ~Program() {
    if (running()) {
      kill(pid_, SIGKILL);
      wait();
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) { kill(pid_, number); }
  bool running() {
    if (status_ >= 0) return false;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == 0) return true;
    note(status);
    return false;
  }
  /// The exit code, or 128 + the signal that ended it.
  int wait() {
    if (status_ < 0) {
      int status = 0;
      waitpid(pid_, &status, 0);
      note(status);
    }
    return status_;
  }
  /// Waits until `condition` or the program's end, at most a minute; whether the condition came true.
  bool wait_until(const std::function<bool()>& condition) {
    for (int k = 0; k < 12000; ++k) {
      if (condition()) return true;
      if (!running()) return condition();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::string out() const { return read_text(out_); }
  std::string err() const { return read_text(err_); }

 private:
  void note(int status) { status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
  int status_ = -1;
};

}  // namespace diffverb
