#include "train/bench/bench_growth.h"

#include <string>

#include "train/bench/bench_solvers.h"

namespace diffverb {
namespace {

constexpr std::int64_t kBins = 48001, kSamples = 96000;

std::function<BenchResult()> solver(const std::string& name, std::int64_t lines, std::int64_t bins,
                                    std::int64_t networks = 1) {
  const bool with_peer = lines * lines * bins * networks <= 500'000'000 / 8;
  return [=] { return bench_solver({name, lines, bins, 0, networks, with_peer, true}); };
}

}  // namespace

std::vector<std::function<BenchResult()>> growth_benches() {
  std::vector<std::function<BenchResult()>> benches;
  const auto time = [&](const std::string& name, std::int64_t lines, std::int64_t samples) {
    benches.push_back([=] { return bench_time({name, lines, samples, true}); });
  };
  for (const std::int64_t lines : {1, 2, 4, 8, 16, 32, 64}) benches.push_back(solver("growth_lines", lines, kBins));
  for (const std::int64_t bins : {1001, 3001, 10001, 30001, 100001, 200001})
    benches.push_back(solver("growth_bins", 16, bins));
  for (const std::int64_t networks : {1, 2, 4, 8, 16, 32, 64})
    benches.push_back(solver("growth_networks", 8, 24001, networks));
  for (const std::int64_t lines : {1, 2, 4, 8, 16, 32, 64}) time("growth_time_lines", lines, kSamples);
  for (const std::int64_t samples : {4800, 12000, 48000, 120000, 480000}) time("growth_time_samples", 16, samples);
  for (const std::int64_t networks : {1, 2, 4, 8, 16, 32, 64})
    benches.push_back([=] { return bench_time_batch("growth_time_networks", networks, 8, 24000); });
  return benches;
}

}  // namespace diffverb
