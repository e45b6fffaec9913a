#include "train/bench/bench_timing.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "core/error.h"
#include "core/log.h"
#include "train/bench/python_peer.h"

namespace diffverb {
namespace {

std::optional<double> resident_megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key + ":", 0) == 0) return std::strtod(line.c_str() + key.size() + 1, nullptr) / 1000;
  }
  return std::nullopt;
}

}  // namespace

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void time_in_turns(const std::function<void()>& ours, const std::function<void()>& peer, int turns,
                   BenchResult& result) {
  std::vector<double> own, other;
  ours();
  peer();
  for (int i = 0; i < turns; ++i) {
    for (int k = 0; k < 5; ++k) own.push_back(milliseconds(ours));
    other.push_back(milliseconds(peer));
  }
  result.ours_ms = median(own);
  result.peer_ms = median(other);
}

double largest_difference(const std::vector<at::Tensor>& ours, const std::vector<at::Tensor>& peer) {
  double largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double share = (ours[i] - peer[i]).abs().max().item<double>() / peer[i].abs().max().item<double>();
    if (std::isnan(share)) return share;
    largest = std::max(largest, share);
  }
  return largest;
}

void require_equal(const std::string& what, const std::vector<at::Tensor>& ours, const std::vector<at::Tensor>& peer,
                   double most) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double error = largest_difference({ours[i]}, {peer[i]});
    if (error <= most) continue;
    throw NumericError("bench " + what + ": result " + std::to_string(i) + " differs from the peer's by " +
                       std::to_string(error) + " of its largest value, expected at most " + std::to_string(most));
  }
}

std::optional<std::string> peer_version(PythonPeer& peer, const std::string& bench, const std::string& packages) {
  auto version = peer.read();
  if (!version) {
    const char* named = std::getenv("DIFFVERB_PYTHON");
    log().warning("bench " + bench + ": no peer; '" + (named && *named ? named : "python3") + "' needs " + packages +
                  ": pip install -r experiments/benchmarks/requirements.txt, and its python in DIFFVERB_PYTHON");
  }
  return version;
}

std::optional<double> peak_megabytes(const std::function<void()>& work) {
  malloc_trim(0);
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5" << std::flush;
  const auto before = resident_megabytes("VmRSS");
  work();
  const auto peak = resident_megabytes("VmHWM");
  if (!reset || !before || !peak) return std::nullopt;
  return *peak - *before;
}

BenchFolder::BenchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "diffverb-bench-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw DataError(name + ": cannot be made");
  path_ = name;
}

BenchFolder::~BenchFolder() {
  std::error_code code;
  std::filesystem::remove_all(path_, code);
}

}  // namespace diffverb
