#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/tensor.h"
#include "datasets/dataset.h"

namespace diffverb {

struct LoaderSettings {
  Split split = Split::kTrain;
  std::int64_t batch = 8;  // of this rank
  std::uint64_t seed = 0;  // of order and augmentation
  std::int64_t rank = 0, world_size = 1;
  int workers = 2;
  int batches_ahead = 4;
  bool shuffle = true;    // else the set's own order
  bool augment = true;    // else every example has seed 0
  bool drop_last = true;  // else an epoch ends with a smaller batch (of which a rank may get nothing)
};

/// Examples stacked, as a step of training takes them.
struct Batch {
  at::Tensor ir;                      // [B, 1, T] float32
  std::vector<std::int64_t> indices;  // [B], which examples of the split
  std::int64_t epoch = 0, step = 0;   // of the epoch, from 0
};

/// Batches of a data set, made ahead on threads.
///
/// The order of an epoch is a permutation drawn from (seed, epoch); an example's own seed comes from (seed, epoch,
/// index). A global batch is the next batch * world_size of it, and rank r takes its r-th part: two
/// ranks of batch 4 see what one rank of batch 8 sees, and any number of workers gives the same batches. With drop_last
/// the rest of an epoch that fills no global batch is left out (other examples in each epoch); a set smaller than one
/// global batch is gone through again until it is full.
///
/// Throws   ContractError for settings out of range; DataError for a part without examples; from next(), what the data
///          set threw for an example of that batch
class Loader {
 public:
  /// `dataset` is open and outlives the loader.
  Loader(const Dataset& dataset, const LoaderSettings& settings);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t steps_per_epoch() const { return steps_; }
  /// Goes to any place, e.g. that of a checkpoint; a new loader stands at (0, 0).
  void start(std::int64_t epoch, std::int64_t step);
  /// The batch at this place; after an epoch's last one comes the next epoch's first.
  Batch next();
  /// How long next() has waited for data since the loader was made, and how many batches it has given.
  double waited_s() const { return waited_s_; }
  std::int64_t batches() const { return given_; }

 private:
  struct Made {
    Batch batch;
    std::exception_ptr error;
  };
  void work();
  void stop_workers();
  void start_workers();
  Batch make(std::int64_t number) const;
  std::vector<std::int64_t> order(std::int64_t epoch) const;

  const Dataset& dataset_;
  LoaderSettings settings_;
  std::int64_t examples_ = 0, steps_ = 0;

  std::mutex mutex_;
  std::condition_variable made_one_, wants_one_;
  std::map<std::int64_t, Made> made_;  // by number: epoch * steps + step
  std::int64_t next_given_ = 0, next_taken_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  double waited_s_ = 0;
  std::int64_t given_ = 0;

  struct Order {
    std::int64_t epoch = -1;
    std::vector<std::int64_t> indices;
  };
  mutable std::mutex order_mutex_;
  mutable Order order_;  // of the epoch asked for last
};

}  // namespace diffverb
