#pragma once

#include <optional>
#include <string>
#include <vector>

namespace diffverb {

/// The text of experiments/benchmarks/peers/<name>.py, built in. Throws ContractError where there is none.
const char* peer_script(const std::string& name);

/// A Python program that runs beside a benchmark and takes its turns: a line in, a line out.
///
/// The interpreter is ${DIFFVERB_PYTHON} or python3. The allocator of the child is told to keep its memory, as ours is.
class PythonPeer {
 public:
  /// Runs `script` as python -c does; `threads` goes to OMP_NUM_THREADS.
  PythonPeer(const std::string& script, const std::vector<std::string>& arguments, int threads);
  ~PythonPeer();
  PythonPeer(const PythonPeer&) = delete;
  PythonPeer& operator=(const PythonPeer&) = delete;

  /// The next line that it prints; nothing where it has ended.
  std::optional<std::string> read();
  /// Throws   DataError where it has ended
  void write(const std::string& line);

 private:
  int pid_ = -1, to_ = -1, from_ = -1;
  std::string pending_;
};

}  // namespace diffverb
