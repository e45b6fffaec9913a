#pragma once

#include <string>
#include <vector>

#include "train/bench/peer_process.h"

namespace diffverb {

/// The text of experiments/benchmarks/peers/<name>.py, built in. Throws ContractError where there is none.
const char* peer_script(const std::string& name);

/// A Python program as a peer. The interpreter is ${DIFFVERB_PYTHON} or python3.
class PythonPeer : public PeerProcess {
 public:
  /// Runs `script` as python -c does.
  PythonPeer(const std::string& script, const std::vector<std::string>& arguments, int threads);
};

}  // namespace diffverb
