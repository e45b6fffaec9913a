#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "train/bench/bench.h"

// What the benchmarks share.
namespace diffverb {

class PythonPeer;

double milliseconds(const std::function<void()>& work);
double median(std::vector<double> values);

/// Medians of both in turns, after one run each to warm up: what disturbs the machine disturbs both.
void time_in_turns(const std::function<void()>& ours, const std::function<void()>& peer, int turns,
                   BenchResult& result);

/// The largest difference as a share of the peer's largest value, over all pairs.
double largest_difference(const std::vector<at::Tensor>& ours, const std::vector<at::Tensor>& peer);
/// Throws   NumericError where that exceeds `most`
void require_equal(const std::string& what, const std::vector<at::Tensor>& ours, const std::vector<at::Tensor>& peer,
                   double most = 1e-4);

/// The first line that a peer prints. Where none comes, a line on stderr says what to install.
std::optional<std::string> peer_version(PythonPeer& peer, const std::string& bench, const std::string& packages);

/// What `work` takes at its peak above what the process held before it, in MB: resident memory, unused memory of the
/// allocator given back beforehand. Nothing where the system does not tell.
std::optional<double> peak_megabytes(const std::function<void()>& work);

/// A folder for what a peer reads and writes, gone when it is left.
class BenchFolder {
 public:
  BenchFolder();
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace diffverb
