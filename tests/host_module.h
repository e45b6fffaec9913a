#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "core/device/cuda_module.h"
#include "tests/core/solvers/host_team.h"

namespace diffverb {

/// The CUDA module with the host in the GPU's place: its kernels' arithmetic with the lanes taken in turns, and graphs
/// that do again what was recorded. With StandInForGpu a step takes the GPU's way through the program.
class HostModule final : public CudaModule {
 public:
  int captures = 0, replays = 0, adams = 0, frequency_solves = 0, time_solves = 0;
  /// What recording a step must leave as it was: nothing of it runs then.
  std::vector<at::Tensor> state;

  int device_count() override { return 1; }
  std::string device_name(int) override { return "the host"; }
  void use_device(int) override {}
  void synchronize() override {}
  bool is_idle() override { return true; }
  std::size_t peak_bytes() override { return 0; }

  void adam(const AdamPass<float>& pass) override { step(pass); }
  void adam(const AdamPass<double>& pass) override { step(pass); }
  void solve_bins(const BinProblem<float>& p) override { solve(p); }
  void solve_bins(const BinProblem<double>& p) override { solve(p); }
  void sum_bins(const BinProblem<float>& p, const BinComplex<float>* g, double*, double* sums) override {
    sum(p, g, sums);
  }
  void sum_bins(const BinProblem<double>& p, const BinComplex<double>* g, double*, double* sums) override {
    sum(p, g, sums);
  }
  void play_lines(const TimeBlocks<float>& p) override { play_lines_on_host(p), ++time_solves; }
  void play_lines(const TimeBlocks<double>& p) override { play_lines_on_host(p), ++time_solves; }
  void sum_lines(const TimeBlocks<float>& p, double*, double* sums, double* sos) override {
    sum_lines_on_host(p, sums, sos);
  }
  void sum_lines(const TimeBlocks<double>& p, double*, double* sums, double* sos) override {
    sum_lines_on_host(p, sums, sos);
  }
  std::unique_ptr<CudaGraph> make_graph() override { return std::make_unique<Graph>(*this); }
  c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>&, int, int) override { return {}; }

 private:
  class Graph final : public CudaGraph {
   public:
    explicit Graph(HostModule& module) : module_(module) {}
    void capture(const std::function<void()>& work) override {
      ++module_.captures;
      std::vector<at::Tensor> before;
      for (const auto& tensor : module_.state) before.push_back(tensor.detach().clone());
      const auto restore = [&] {
        const at::NoGradGuard no_grad;
        for (std::size_t i = 0; i < before.size(); ++i) module_.state[i].copy_(before[i]);
      };
      try {
        work();
      } catch (...) {
        restore();
        throw;
      }
      restore();
      work_ = work;
    }
    void replay() override {
      ++module_.replays;
      work_();
    }

   private:
    HostModule& module_;
    std::function<void()> work_;
  };

  template <typename S>
  void step(const AdamPass<S>& p) {
    ++adams;
    const AdamNumbers<S> numbers(p);
    if (!numbers.is_finite) return;
    for (std::int64_t i = 0; i < p.size; ++i) adam_step(numbers, p.gradients[i], p.values[i], p.first[i], p.second[i]);
  }

  template <typename S, int N, bool Pivot>
  static void solve_all(const BinProblem<S>& p) {
    std::vector<std::max_align_t> bytes(BinMemory<S>::bytes(N, p.inputs, p.outputs) / sizeof(std::max_align_t) + 1);
    const auto memory = BinMemory<S>::at(bytes.data(), N, p.inputs, p.outputs);
    const HostBinTeam<S, N> team;
    for (int r = 0; r < p.networks; ++r) {
      for (int bin = 0; bin < p.bins; ++bin) BinSolver<S, N, Pivot, HostBinTeam<S, N>>(team, p, memory, r, bin).run();
    }
  }
  template <typename S, int N>
  static void solve_passes(const BinProblem<S>& p) {
    solve_all<S, N, false>(p);
    solve_all<S, N, true>(p);
  }
  template <typename S>
  void solve(const BinProblem<S>& p) {
    ++frequency_solves;
    p.lines <= 8 ? solve_passes<S, 8>(p) : (p.lines <= 16 ? solve_passes<S, 16>(p) : solve_passes<S, 64>(p));
  }

  template <typename S>
  static void sum(const BinProblem<S>& p, const BinComplex<S>* g, double* sums) {
    const int count = BinEntries<S>(p).count(), ends = p.outputs * p.inputs;
    std::vector<BinComplex<S>> q(p.lines * p.inputs), here(ends);
    std::fill_n(sums, static_cast<std::size_t>(p.networks) * count, 0.0);
    for (int r = 0; r < p.networks; ++r) {
      for (int bin = 0; bin < p.bins; ++bin) {
        const auto* states = p.states + (static_cast<std::size_t>(r) * p.bins + bin) * p.states_size();
        for (int k = 0; k < ends; ++k) here[k] = g[(static_cast<std::size_t>(r) * ends + k) * p.bins + bin];
        for (std::size_t k = 0; k < q.size(); ++k) q[k] = bin_q(p, static_cast<int>(k), states, here.data());
        for (int e = 0; e < count; ++e)
          sums[static_cast<std::size_t>(r) * count + e] += bin_gradient(p, r, bin, e, states, q.data(), here.data());
      }
    }
  }
};

}  // namespace diffverb
