#pragma once

#include <optional>
#include <string>
#include <vector>

namespace diffverb {

/// A program that runs beside a benchmark and takes its turns: a line in, a line out. What it says on stderr is dropped.
///
/// The allocator of the child is told to keep its memory, as ours is.
class PeerProcess {
 public:
  /// The program, sought as a shell does, and its arguments; `threads` goes to OMP_NUM_THREADS.
  PeerProcess(std::vector<std::string> words, int threads);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  /// The next line that it prints; nothing where it has ended.
  std::optional<std::string> read();
  /// Throws   DataError where it has ended
  void write(const std::string& line);

 private:
  std::string name_;
  int pid_ = -1, to_ = -1, from_ = -1;
  std::string pending_;
};

/// The text of experiments/benchmarks/peers/<name>, built in. Throws ContractError where there is none.
const char* peer_file(const std::string& name);

}  // namespace diffverb
