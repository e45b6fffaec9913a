#include "train/bench/engine_peers.h"

#include <cstdlib>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"

namespace diffverb {
namespace {

void put_file(const BenchFolder& folder, const std::string& name) {
  write_file_atomically(folder.path() / name, std::string(peer_file(name)));
}

/// Runs a line of the shell in the folder.
bool run_in(const BenchFolder& folder, const std::string& line) {
  PeerProcess shell({"sh", "-c", "cd \"$1\" && " + line + " 1>&2 && echo done", "sh", folder.path().string()}, 1);
  return shell.read() == "done";
}

std::string compiler() {
  const char* named = std::getenv("CXX");
  return std::string(named && *named ? named : "c++") + " -std=c++17 -I. ";
}

/// The peer where its host was built and plays.
std::unique_ptr<EnginePeer> start(bool is_built, const std::string& name, const std::vector<std::string>& words,
                                  const std::string& packages) {
  if (is_built) {
    if (auto peer = std::make_unique<EnginePeer>(name, words); peer->plays()) return peer;
  }
  log().warning("bench engine: " + name + " is not measured: apt-get install " + packages);
  return nullptr;
}

std::vector<std::string> host(const BenchFolder& folder, const std::string& program, const PeerSound& sound) {
  return {(folder.path() / program).string(), sound.file.string(), std::to_string(sound.block)};
}

}  // namespace

EnginePeer::EnginePeer(const std::string& name, const std::vector<std::string>& words) : process_(words, 1) {
  if (const auto version = process_.read()) name_ = name + " (" + *version + ")";
}

PlayTime EnginePeer::play() {
  process_.write("play");
  std::istringstream line(process_.read().value_or(""));
  PlayTime time;
  if (!(line >> time.seconds >> time.worst_block_s)) throw DataError("bench engine: " + name_ + " has ended early");
  return time;
}

MakePeer faust_peer(const std::string& effect) {
  return [effect](const BenchFolder& folder, const PeerSound& sound) {
    put_file(folder, "turns.h");
    put_file(folder, "faust_host.cpp");
    write_file_atomically(folder.path() / (effect + ".dsp"),
                          "import(\"stdfaust.lib\");\nprocess = dm." + effect + ";\n");
    const std::string made = effect + ".cpp";
    const bool is_built = run_in(folder, "faust -lang cpp -a faust_host.cpp " + effect + ".dsp -o " + made + " && " +
                                             compiler() + "-Ofast -march=native " + made + " -o " + effect);
    return start(is_built, "Faust's " + effect, host(folder, effect, sound), "faust g++");
  };
}

MakePeer lsp_impulse_reverb(const std::filesystem::path& response) {
  return [response](const BenchFolder& folder, const PeerSound& sound) {
    put_file(folder, "turns.h");
    put_file(folder, "lv2_host.cpp");
    const bool is_built =
        run_in(folder, compiler() + "-O2 lv2_host.cpp $(pkg-config --cflags --libs lilv-0) -o lv2_host");
    const std::string plugin = "http://lsp-plug.in/plugins/lv2/impulse_reverb_stereo";
    auto words = host(folder, "lv2_host", sound);
    words.insert(words.end(), {plugin, plugin + "/ports#ifn0=" + response.string(), "dry=0"});
    // Left by the first track to the left, right by the second to the right.
    words.insert(words.end(), {"cim0=-100", "csf0=1", "cst0=0", "com0=-100"});
    words.insert(words.end(), {"cim1=100", "csf1=1", "cst1=1", "com1=100"});
    return start(is_built, "LSP Impulse Reverb", words, "lsp-plugins-lv2 liblilv-dev lv2-dev pkg-config g++");
  };
}

MakePeer sox_peer() {
  return [](const BenchFolder& folder, const PeerSound& sound) {
    put_file(folder, "sox_reverb.sh");
    auto words = host(folder, "sox_reverb.sh", sound);
    words.insert(words.begin(), "bash");
    return start(true, "sox reverb", words, "sox");
  };
}

}  // namespace diffverb
