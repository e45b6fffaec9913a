#include "train/training/gradient_buckets.h"

#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <numeric>

namespace diffverb {

class GradientBuckets::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(GradientBuckets& owner, std::size_t bucket) : owner_(owner), bucket_(bucket) {}
  void operator()(const at::Tensor& /*parameter*/) override { owner_.ready(bucket_); }

 private:
  GradientBuckets& owner_;
  std::size_t bucket_;
};

GradientBuckets::GradientBuckets(FlatParameters& parameters, Distributed& ranks, std::int64_t bucket_bytes)
    : parameters_(parameters), ranks_(ranks) {
  std::int64_t begin = 0, bytes = 0;
  const auto& entries = parameters_.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (bytes == 0) {
      buckets_.emplace_back();
      begin = entries[i].begin;
    }
    ++buckets_.back().parameters;
    torch::autograd::impl::set_post_acc_grad_hooks(entries[i].parameter,
                                                   std::make_unique<Hook>(*this, buckets_.size() - 1));
    bytes += entries[i].size * static_cast<std::int64_t>(entries[i].parameter.element_size());
    const at::Tensor& flat = parameters_.buffers()[entries[i].buffer].gradients;
    const bool last = i + 1 == entries.size() || entries[i + 1].buffer != entries[i].buffer;
    if (!last && bytes < bucket_bytes) continue;
    const std::int64_t end = last ? flat.size(0) : entries[i + 1].begin;
    buckets_.back().slice = flat.narrow(0, begin, end - begin);
    bytes = 0;
  }
  order_.resize(buckets_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

GradientBuckets::~GradientBuckets() {
  for (const auto& entry : parameters_.entries())
    torch::autograd::impl::set_post_acc_grad_hooks(entry.parameter, nullptr);
}

void GradientBuckets::begin() {
  for (Bucket& bucket : buckets_) {
    bucket.missing = bucket.parameters;
    bucket.pending.reset();
  }
  launched_ = 0;
  filled_.clear();
}

void GradientBuckets::ready(std::size_t bucket) {
  if (--buckets_[bucket].missing > 0) return;
  filled_.push_back(bucket);
  if (ordered_) launch_ready(false);
}

void GradientBuckets::launch_ready(bool all) {
  for (; launched_ < order_.size(); ++launched_) {
    Bucket& bucket = buckets_[order_[launched_]];
    if (!all && bucket.missing > 0) return;
    bucket.pending = ranks_.start_sum(bucket.slice);
  }
}

void GradientBuckets::finish() {
  launch_ready(true);
  for (const std::size_t index : order_) ranks_.finish(buckets_[index].pending);
  if (!ordered_) agree_on_order();
}

void GradientBuckets::agree_on_order() {
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    if (std::find(filled_.begin(), filled_.end(), index) == filled_.end()) filled_.push_back(index);
  }
  at::Tensor order = at::empty({static_cast<std::int64_t>(filled_.size())}, at::kLong);
  for (std::size_t i = 0; i < filled_.size(); ++i)
    order.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(filled_[i]);
  ranks_.broadcast(order);
  for (std::size_t i = 0; i < order_.size(); ++i)
    order_[i] = static_cast<std::size_t>(order.const_data_ptr<std::int64_t>()[i]);
  ordered_ = true;
}

}  // namespace diffverb
