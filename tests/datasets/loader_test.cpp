#include "datasets/loader.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "core/error.h"
#include "tests/datasets/stores.h"
#include "tests/resident_bytes.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

/// Example i is [i, seed's low bits]; one of them may be broken, and each takes its time.
class Numbers final : public Dataset {
 public:
  explicit Numbers(std::int64_t count, std::int64_t broken = -1) : count_(count), broken_(broken) {}
  void open() override {}
  double sample_rate_hz() const override { return 8000; }
  std::int64_t samples() const override { return 2; }
  std::int64_t size(Split split) const override { return split == Split::kTrain ? count_ : 0; }
  at::Tensor example(Split, std::int64_t index, std::uint64_t seed) const override {
    std::this_thread::sleep_for(std::chrono::microseconds((index * 7919) % 300));
    if (index == broken_) throw DataError("example " + std::to_string(index) + " is broken");
    ++made;
    const float low = static_cast<float>(seed & 0xffff);
    return at::tensor({static_cast<float>(index), low}).unsqueeze(0);
  }
  std::string describe(Split, std::int64_t) const override { return ""; }
  std::map<std::string, std::int64_t> licences(Split) const override { return {}; }
  mutable std::atomic<std::int64_t> made{0};

 private:
  std::int64_t count_, broken_;
};

std::vector<Batch> batches_of(const Dataset& set, const LoaderSettings& settings, int count, std::int64_t epoch = 0,
                              std::int64_t step = 0) {
  Loader loader(set, settings);
  loader.start(epoch, step);
  std::vector<Batch> out;
  for (int k = 0; k < count; ++k) out.push_back(loader.next());
  return out;
}

LoaderSettings settings(std::int64_t batch, int workers = 1) {
  LoaderSettings s;
  s.batch = batch;
  s.seed = 5;
  s.workers = workers;
  return s;
}

TEST(Loader, AnEpochHasEveryExampleOnceInAnOrderOfItsOwn) {
  const Numbers set(12);
  const auto batches = batches_of(set, settings(3), 8);
  std::vector<std::vector<std::int64_t>> epochs(2);
  for (const Batch& batch : batches) {
    EXPECT_EQ(batch.ir.sizes(), (std::vector<std::int64_t>{3, 1, 2}));
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(batch.ir[static_cast<std::int64_t>(k)][0][0].item<float>(), static_cast<float>(batch.indices[k]));
      epochs[static_cast<std::size_t>(batch.epoch)].push_back(batch.indices[k]);
    }
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (const auto& epoch : epochs) EXPECT_EQ(std::set<std::int64_t>(epoch.begin(), epoch.end()).size(), 12u);
  EXPECT_EQ(batches[3].step, 3);
  EXPECT_EQ(batches[4].epoch, 1);
}

TEST(Loader, AnyNumberOfWorkersGivesTheSameBatches) {
  const Numbers set(23);
  const auto one = batches_of(set, settings(4, 1), 20);
  for (const int workers : {2, 5}) {
    const auto many = batches_of(set, settings(4, workers), 20);
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_TRUE(at::equal(one[k].ir, many[k].ir)) << k;
  }
  LoaderSettings other = settings(4);
  other.seed = 6;
  EXPECT_FALSE(at::equal(batches_of(set, other, 1)[0].ir, one[0].ir));
}

TEST(Loader, TwoRanksOfBatchFourSeeWhatOneRankOfBatchEightSees) {
  const Numbers set(50);
  const auto whole = batches_of(set, settings(8), 12);
  LoaderSettings first = settings(4, 2), second = settings(4, 3);
  first.world_size = second.world_size = 2;
  second.rank = 1;
  const auto a = batches_of(set, first, 12), b = batches_of(set, second, 12);
  for (std::size_t k = 0; k < whole.size(); ++k) EXPECT_TRUE(at::equal(at::cat({a[k].ir, b[k].ir}), whole[k].ir)) << k;
}

TEST(Loader, ResumesAtAnyPlace) {
  const Numbers set(23);
  const auto all = batches_of(set, settings(4, 2), 15);
  for (std::int64_t from = 0; from < 11; ++from) {
    const auto rest = batches_of(set, settings(4, 2), 3, from / 5, from % 5);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_TRUE(at::equal(rest[k].ir, all[static_cast<std::size_t>(from) + k].ir));
  }
  const auto end_of_epoch = batches_of(set, settings(4), 1, 0, 5);  // after the last step: the next epoch
  EXPECT_EQ(end_of_epoch[0].epoch, 1);
}

TEST(Loader, ASetSmallerThanABatchIsGoneThroughAgain) {
  const Numbers set(3);
  const Batch batch = batches_of(set, settings(8), 1)[0];
  ASSERT_EQ(batch.indices.size(), 8u);
  EXPECT_EQ(batch.indices[0], batch.indices[3]);
  EXPECT_NE(batch.ir[0][0][1].item<float>(), batch.ir[3][0][1].item<float>());  // augmented differently
}

TEST(Loader, InOrderAndWholeForEvaluation) {
  const Numbers set(10);
  LoaderSettings s = settings(4);
  s.shuffle = s.augment = s.drop_last = false;
  Loader loader(set, s);
  ASSERT_EQ(loader.steps_per_epoch(), 3);
  std::vector<std::int64_t> seen;
  for (int k = 0; k < 3; ++k) {
    const Batch batch = loader.next();
    seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
    for (std::int64_t i = 0; i < batch.ir.size(0); ++i) EXPECT_EQ(batch.ir[i][0][1].item<float>(), 0);
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Loader, MakesOnlySoManyBatchesAhead) {
  const Numbers set(100);
  LoaderSettings s = settings(2, 3);
  s.batches_ahead = 3;
  Loader loader(set, s);
  loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LE(set.made, 2 * 4);
  EXPECT_EQ(loader.batches(), 1);
  EXPECT_GE(loader.waited_s(), 0);
}

TEST(Loader, AnErrorComesWithItsBatchAndNotBefore) {
  const Numbers set(12, 7);
  LoaderSettings s = settings(1, 3);
  s.shuffle = false;
  Loader loader(set, s);
  for (int k = 0; k < 7; ++k) EXPECT_EQ(loader.next().indices[0], k);
  EXPECT_EQ(message_of<DataError>([&] { loader.next(); }), "example 7 is broken");
  EXPECT_EQ(loader.next().indices[0], 8);
}

TEST(Loader, RefusesAPartWithoutExamplesAndSettingsOutOfRange) {
  const Numbers set(12);
  LoaderSettings s = settings(1);
  s.split = Split::kTest;
  EXPECT_NE(message_of<DataError>([&] { Loader(set, s); }).find("no example in its part 'test'"), std::string::npos);
  EXPECT_THROW(Loader(set, settings(0)), ContractError);
  s = settings(1);
  s.rank = 1;
  EXPECT_THROW(Loader(set, s), ContractError);
}

TEST(Loader, AugmentedResponsesAreTheSameForAnyNumberOfWorkers) {
  const Scratch scratch;
  const auto path = make_store(scratch / "a.h5", 3, 3, "train", 24000);
  const auto set = dataset_of("type: rirs\nfiles: ['" + path.string() +
                              "']\nsamples: 4000\nsample_rate_hz: 16000\naugmentation: {gain: {probability: 0.5}, "
                              "speed: {probability: 0.5}, decay: {probability: 0.5}, band_decay: {probability: 0.5}, "
                              "crop: {probability: 0.5}}\ncache_mb: 0.1\n");
  set->open();
  const auto one = batches_of(*set, settings(4, 1), 6), three = batches_of(*set, settings(4, 3), 6);
  for (std::size_t k = 0; k < one.size(); ++k) {
    EXPECT_TRUE(one[k].ir.isfinite().all().item<bool>());
    EXPECT_TRUE(at::equal(one[k].ir, three[k].ir)) << k;
  }
}

TEST(Loader, ASetLargerThanItsMemoryIsStreamed) {
  if (resident_bytes() == 0) GTEST_SKIP() << "no /proc to read the memory from";
  const Scratch scratch;
  constexpr int kResponses = 400;
  constexpr std::size_t kSamples = 80000;  // 128 MB in all
  {
    ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
    std::vector<float> samples(kSamples);
    for (int i = 0; i < kResponses; ++i) {
      Random random(static_cast<std::uint64_t>(i));
      for (std::size_t n = 0; n < kSamples; n += 7) samples[n] = static_cast<float>(random.uniform());
      writer.add(stored_response(std::to_string(i), "room", 48000), samples);
    }
    writer.commit();
  }
  const auto set = dataset_of("type: rirs\nfiles: ['" + (scratch / "a.h5").string() +
                              "']\nsamples: 60000\nsample_rate_hz: 48000\ncache_mb: 4\n");
  set->open();
  Loader loader(*set, settings(8, 2));
  for (int k = 0; k < 10; ++k) loader.next();
  const std::int64_t before = resident_bytes();
  std::int64_t most = before;
  for (int k = 0; k < 60; ++k) {
    loader.next();
    most = std::max(most, resident_bytes());
  }
  EXPECT_LT(most - before, std::int64_t{32} << 20);
}

}  // namespace
}  // namespace diffverb
