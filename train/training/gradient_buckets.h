#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "train/optimizer/flat_parameters.h"
#include "train/training/distributed.h"

namespace diffverb {

/// Adds gradients up over the ranks while the backward pass still runs.
///
/// A bucket is a slice of the flat gradient buffer; its sum starts as soon as autograd has filled it. The first step
/// notes in which order buckets fill, and from then on every rank starts them in rank 0's order. A parameter that a
/// step leaves out holds its bucket back until the pass is over.
class GradientBuckets {
 public:
  GradientBuckets(FlatParameters& parameters, Distributed& ranks, std::int64_t bucket_bytes = 4 << 20);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  void begin();   // before the backward pass
  void finish();  // after it: the gradients are sums over all ranks

 private:
  struct Bucket {
    at::Tensor slice;
    std::int64_t parameters = 0, missing = 0;
    std::shared_ptr<Distributed::Pending> pending;
  };
  class Hook;
  void ready(std::size_t bucket);
  void launch_ready(bool all);
  void agree_on_order();

  FlatParameters& parameters_;
  Distributed& ranks_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> order_, filled_;
  std::size_t launched_ = 0;
  bool ordered_ = false;
};

}  // namespace diffverb
