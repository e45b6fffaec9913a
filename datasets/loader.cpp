#include "datasets/loader.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {

Loader::Loader(const Dataset& dataset, const LoaderSettings& settings) : dataset_(dataset), settings_(settings) {
  const LoaderSettings& s = settings_;
  if (s.batch < 1 || s.world_size < 1 || s.rank < 0 || s.rank >= s.world_size || s.workers < 1 || s.batches_ahead < 1)
    throw ContractError(
        "loader: batch, workers and batches_ahead are at least 1, and the rank is below the world size");
  examples_ = dataset.size(s.split);
  if (examples_ == 0) {
    const char* names[] = {"train", "validation", "test"};
    throw DataError(std::string("data set: no example in its part '") + names[static_cast<int>(s.split)] +
                    "'; diffverb data split sorts rooms into parts");
  }
  const std::int64_t global = s.batch * s.world_size;
  steps_ = s.drop_last ? std::max<std::int64_t>(1, examples_ / global) : (examples_ + global - 1) / global;
  start_workers();
}

Loader::~Loader() { stop_workers(); }

void Loader::start_workers() {
  stopping_ = false;
  for (int k = 0; k < settings_.workers; ++k) threads_.emplace_back([this] { work(); });
}

void Loader::stop_workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wants_one_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Loader::start(std::int64_t epoch, std::int64_t step) {
  if (epoch < 0 || step < 0 || step > steps_)
    throw ContractError("loader: epoch " + std::to_string(epoch) + ", step " + std::to_string(step) + " of " +
                        std::to_string(steps_));
  stop_workers();
  made_.clear();
  next_given_ = next_taken_ = epoch * steps_ + step;
  start_workers();
}

void Loader::work() {
  for (;;) {
    std::int64_t number = 0;
    {
      std::unique_lock lock(mutex_);
      wants_one_.wait(lock, [&] { return stopping_ || next_taken_ < next_given_ + settings_.batches_ahead; });
      if (stopping_) return;
      number = next_taken_++;
    }
    Made made;
    try {
      made.batch = make(number);
    } catch (...) {
      made.error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      made_.emplace(number, std::move(made));
    }
    made_one_.notify_all();
  }
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  const auto before = std::chrono::steady_clock::now();
  made_one_.wait(lock, [&] { return made_.count(next_given_) > 0; });
  waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  Made made = std::move(made_.extract(next_given_).mapped());
  ++next_given_;
  ++given_;
  lock.unlock();
  wants_one_.notify_one();
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.batch);
}

std::vector<std::int64_t> Loader::order(std::int64_t epoch) const {
  const std::lock_guard lock(order_mutex_);
  if (order_.epoch != epoch) {
    order_.indices.resize(static_cast<std::size_t>(examples_));
    std::iota(order_.indices.begin(), order_.indices.end(), std::int64_t{0});
    Random random(settings_.seed, "order of epoch " + std::to_string(epoch));
    for (std::int64_t i = examples_ - 1; settings_.shuffle && i > 0; --i)
      std::swap(order_.indices[static_cast<std::size_t>(i)],
                order_.indices[static_cast<std::size_t>(random.integer(0, i))]);
    order_.epoch = epoch;
  }
  return order_.indices;
}

Batch Loader::make(std::int64_t number) const {
  const LoaderSettings& s = settings_;
  Batch batch;
  batch.epoch = number / steps_;
  batch.step = number % steps_;
  const std::vector<std::int64_t> indices = order(batch.epoch);
  const std::int64_t first = (batch.step * s.world_size + s.rank) * s.batch;
  const std::int64_t last = s.drop_last ? first + s.batch : std::min(first + s.batch, examples_);
  const std::int64_t count = std::max<std::int64_t>(0, last - first);
  const std::int64_t samples = dataset_.samples();
  batch.ir = at::empty({count, 1, samples}, at::kFloat);
  for (std::int64_t position = first; position < last; ++position) {
    const std::int64_t index = indices[static_cast<std::size_t>(position % examples_)];
    const std::string purpose = "example " + std::to_string(batch.epoch) + " " + std::to_string(index) + " " +
                                std::to_string(position / examples_);
    const std::uint64_t seed = s.augment ? std::max<std::uint64_t>(1, derive_seed(s.seed, purpose)) : 0;
    const at::Tensor example = dataset_.example(s.split, index, seed);
    if (example.dim() != 2 || example.size(0) != 1 || example.size(1) != samples || !example.is_contiguous() ||
        example.scalar_type() != at::kFloat)
      throw ContractError("data set: an example is not [1, " + std::to_string(samples) + "] float32");
    std::memcpy(batch.ir.data_ptr<float>() + (position - first) * samples, example.data_ptr<float>(),
                static_cast<std::size_t>(samples) * sizeof(float));
    batch.indices.push_back(index);
  }
  return batch;
}

}  // namespace diffverb
