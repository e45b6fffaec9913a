#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/collective.h"
#include "core/tensor.h"

namespace diffverb {

/// Which of how many processes this one is.
struct Rank {
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  // on this machine
  std::string address;                 // of rank 0, or of torchrun's store
  int port = 0;
  bool agent_store = false;  // torchrun keeps the store: rank 0 too is a client of it
  std::string prefix;        // of this start's keys in the store
};

/// Reads what started the process: torchrun, srun, or RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT by hand.
///
/// Alone where nothing of it is set. Under srun the first host of the step's node list is rank 0, and the port follows
/// from the job's number where MASTER_PORT does not give it.
///
/// Throws   ConfigError where some of it is missing or no number
Rank rank_from_environment();

/// The first name of a Slurm node list: "gpu[03-05,9],login" is gpu03.
std::string first_host(const std::string& node_list);

/// The processes of one training, over c10d's Gloo; tensors on GPUs over its NCCL, once use_gpu() was called.
///
/// Every rank writes a heartbeat to the store. A rank that no longer beats, or that has ended with an error, ends every
/// other one that waits for it, within seconds, with a message that says which.
///
/// Throws   Error where a rank does not arrive, dies or reports an error; ConfigError for an address that is not there
class Distributed final : public Collective {
 public:
  struct Limits {
    double join_s = 120;   // for all ranks to arrive
    double silent_s = 20;  // without a heartbeat, while another rank waits
  };

  explicit Distributed(const Rank& rank) : Distributed(rank, Limits()) {}
  Distributed(const Rank& rank, const Limits& limits);
  ~Distributed() override;

  /// Joins the GPUs that the ranks have chosen (core/device/device.h) through NCCL; every rank calls it.
  /// Throws   ConfigError where the CUDA module was built without NCCL
  void use_gpu();
  /// Waits for the GPU as a CPU tensor's sum is waited for: a rank that is gone ends this one, too.
  void wait_for_gpu();

  int rank() const override { return rank_.rank; }
  int size() const override { return rank_.size; }
  /// On a channel of its own: may be called while sums that were started are under way.
  void sum_in_place(at::Tensor& tensor) override;

  /// A sum that runs beside what follows; finish() waits for it.
  class Pending;
  std::shared_ptr<Pending> start_sum(const at::Tensor& contiguous);
  void finish(const std::shared_ptr<Pending>& pending);

  void broadcast(at::Tensor& contiguous);  // from rank 0
  std::string broadcast(const std::string& text);
  void barrier();
  /// Tells the other ranks why this one ends; they end too. Never throws.
  void report_failure(const std::string& message) noexcept;

 private:
  class Impl;
  Rank rank_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace diffverb
