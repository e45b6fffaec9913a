#include "train/bench/bench.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "train/cli.h"

namespace diffverb {
namespace {

struct BenchOptions {
  std::string name;
  bool json = false;
};

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

nlohmann::ordered_json to_json(const BenchResult& r) {
  nlohmann::ordered_json out{{"name", r.name}, {"size", r.size}, {"ours_ms", r.ours_ms}};
  out["peer"] = r.peer.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(r.peer);
  out["peer_ms"] = r.peer_ms ? nlohmann::ordered_json(*r.peer_ms) : nlohmann::ordered_json();
  out["ratio"] = r.peer_ms ? nlohmann::ordered_json(*r.peer_ms / r.ours_ms) : nlohmann::ordered_json();
  if (r.examples > 0) out["examples_per_s"] = 1e3 * r.examples / r.ours_ms;
  for (const auto& [key, value] : r.figures) out[key] = value;
  return out;
}

void print_row(const BenchResult& r) {
  std::printf("%-8s %-34s %10.2f ms", r.name.c_str(), r.size.c_str(), r.ours_ms);
  if (r.peer_ms) std::printf("  %10.2f ms  %6.1f x  %s", *r.peer_ms, *r.peer_ms / r.ours_ms, r.peer.c_str());
  if (r.examples > 0) std::printf("  %.0f examples/s", 1e3 * r.examples / r.ours_ms);
  if (r.examples > 0 && r.peer_ms) std::printf(" against %.0f", 1e3 * r.examples / *r.peer_ms);
  for (const auto& [key, value] : r.figures) std::printf("  %s %.3g", key.c_str(), value);
  std::printf("\n");
  std::fflush(stdout);
}

/// Names in a row, of all benchmarks or of those that run only when asked for.
std::string bench_names(bool only_by_name = false) {
  std::string names;
  for (const Bench& part : all_benches()) {
    if (part.only_by_name || !only_by_name) names += (names.empty() ? "" : ", ") + part.name;
  }
  return names;
}

void bench(const BenchOptions& options) {
  // Both sides get an allocator that keeps its memory: page faults would otherwise cost as much as the work.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const std::string machine = processor_name() + ", " + std::to_string(bench_threads()) + " threads";
  std::vector<BenchResult> results;
  bool known = options.name.empty();
  for (const Bench& part : all_benches()) {
    if (options.name.empty() ? part.only_by_name : part.name != options.name) continue;
    known = true;
    for (const auto& one : part.sizes) {
      results.push_back(one());
      if (!options.json) print_row(results.back());
    }
  }
  if (!known) throw ConfigError("bench: unknown name '" + options.name + "', expected " + bench_names());
  if (!options.json) {
    std::printf("on %s\n", machine.c_str());
    return;
  }
  nlohmann::ordered_json out{{"machine", machine}, {"results", nlohmann::ordered_json::array()}};
  for (const BenchResult& r : results) out["results"].push_back(to_json(r));
  std::cout << out.dump(2) << "\n";
}

}  // namespace

void add_bench_command(Command& app, Context&) {
  auto options = std::make_shared<BenchOptions>();
  Command* command = app.add_subcommand("bench", "Time the kernels against named peers that do the same work");
  command->add_option("name", options->name, bench_names() + "; all but " + bench_names(true) + " without it");
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Examples:\n  diffverb bench\n  diffverb bench solver --json\n"
      "  DIFFVERB_PYTHON=venv/bin/python diffverb bench flamo_e8");
  command->callback([options] { bench(*options); });
}

}  // namespace diffverb
