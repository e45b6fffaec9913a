#pragma once

#include <cstddef>
#include <vector>

#include "core/solvers/frequency_bin.h"
#include "core/solvers/time_sums.h"

// The lanes of a GPU, their turns taken by the host in an order of choice: what they share must not depend on it.
namespace diffverb {

enum class Turns { kForwards, kBackwards, kOddFirst };

template <typename Work>
void take_turns(Turns turns, int count, const Work& work) {
  if (turns == Turns::kOddFirst) {
    for (int e = 1; e < count; e += 2) work(e);
    for (int e = 0; e < count; e += 2) work(e);
    return;
  }
  for (int e = 0; e < count; ++e) work(turns == Turns::kForwards ? e : count - 1 - e);
}

/// For BinSolver.
template <typename S, int N>
struct HostBinTeam {
  mutable std::vector<BinRow<S, N>> rows = std::vector<BinRow<S, N>>(N);
  template <typename Work>
  void each(const Work& work) const {
    for (int lane = 0; lane < N; ++lane) work(lane, rows[lane]);
  }
};

/// For TimeRecursion.
struct HostTimeTeam {
  Turns turns = Turns::kForwards;
  template <typename Work>
  void over(int count, const Work& work) const {
    take_turns(turns, count, work);
  }
};

/// As core/solvers/time_cuda.cu does it: all networks forward.
template <typename S>
void play_lines_on_host(const TimeBlocks<S>& p, Turns turns = Turns::kForwards) {
  std::vector<std::max_align_t> bytes(TimeMemory<S>::bytes(p.lines) / sizeof(std::max_align_t) + 1);
  const auto memory = TimeMemory<S>::at(bytes.data(), p.lines);
  const HostTimeTeam team{turns};
  for (int r = 0; r < p.networks; ++r) TimeRecursion<S, HostTimeTeam>(team, p, memory, r).play();
}

/// And back, with the sums: [R, N + O, N + I] and [R, N, S, 5].
template <typename S>
void sum_lines_on_host(const TimeBlocks<S>& p, double* sums, double* sos, Turns turns = Turns::kForwards) {
  std::vector<std::max_align_t> bytes(TimeMemory<S>::bytes(p.lines) / sizeof(std::max_align_t) + 1);
  const auto memory = TimeMemory<S>::at(bytes.data(), p.lines);
  const HostTimeTeam team{turns};
  const TimeEntries<S> entries(p);
  for (int r = 0; r < p.networks; ++r) {
    TimeRecursion<S, HostTimeTeam>(team, p, memory, r).play_back();
    for (int e = 0; e < entries.count(); ++e) {
      double sum = 0;
      for (int t = 0; t < p.samples; ++t)
        sum += static_cast<double>(entries.left(p, r, e / entries.columns, t)) *
               entries.right(p, r, e % entries.columns, t);
      *sums++ = sum;
    }
    for (int j = 0; j < p.lines; ++j) {
      for (int s = 0; s < p.sections; ++s, sos += 5) {
        TimeSectionSums parts;
        for (int chunk = 0; chunk < p.chunks(); ++chunk) TimeSectionChunk<S>::add(p, r, j, s, chunk, parts);
        time_section_gradient(p, r, j, s, parts, sos);
      }
    }
  }
}

}  // namespace diffverb
