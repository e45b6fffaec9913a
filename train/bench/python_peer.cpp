#include "train/bench/python_peer.h"

#include <cstdlib>

namespace diffverb {
namespace {

std::vector<std::string> words(const std::string& script, const std::vector<std::string>& arguments) {
  const char* named = std::getenv("DIFFVERB_PYTHON");
  std::vector<std::string> all = {named && *named ? named : "python3", "-c", script};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

}  // namespace

const char* peer_script(const std::string& name) { return peer_file(name + ".py"); }

PythonPeer::PythonPeer(const std::string& script, const std::vector<std::string>& arguments, int threads)
    : PeerProcess(words(script, arguments), threads) {}

}  // namespace diffverb
