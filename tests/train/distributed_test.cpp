#include "train/training/distributed.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>

#include "core/error.h"
#include "tests/program.h"
#include "tests/scratch.h"
#include "tests/train/tiny_training.h"
#include "train/stop.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

using Overlays = std::vector<std::string>;

/// Environment variables that are as before once the test is over.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
                             "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_JOB_ID"})
      ::unsetenv(name);
    for (const auto& [name, value] : values) {
      ::setenv(name.c_str(), value.c_str(), 1);
      names_.push_back(name);
    }
  }
  ~Environment() {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
  }

 private:
  std::vector<std::string> names_;
};

std::string free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) return "29517";
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return std::to_string(ntohs(address.sin_port));
}

/// A run of several ranks, each with an output of its own.
class Ranks {
 public:
  Ranks(const Scratch& scratch, const std::string& name, int count, const std::vector<std::string>& overlays,
        const std::string& how = "new") {
    write_text(scratch / "tiny.yaml", tiny_config());
    const std::string port = free_port();
    for (int rank = 0; rank < count; ++rank) {
      const Environment environment({{"RANK", std::to_string(rank)},
                                     {"WORLD_SIZE", std::to_string(count)},
                                     {"MASTER_ADDR", "127.0.0.1"},
                                     {"MASTER_PORT", port}});
      const fs::path folder = scratch / (name + "_output_" + std::to_string(rank));
      fs::create_directories(folder);
      std::vector<std::string> arguments = {
          (scratch / (how == "new" ? "tiny.yaml" : name + "/config.resolved.yaml")).string(), (scratch / name).string(),
          how};
      arguments.insert(arguments.end(), overlays.begin(), overlays.end());
      ranks_.push_back(std::make_unique<Program>(TRAIN_TINY_PROGRAM, arguments, folder));
    }
  }
  Program& operator[](std::size_t rank) { return *ranks_[rank]; }

 private:
  std::vector<std::unique_ptr<Program>> ranks_;
};

void expect_close_weights(const fs::path& one, const fs::path& other) {
  const Checkpoint a = load_checkpoint(one / "checkpoint.safetensors");
  const Checkpoint b = load_checkpoint(other / "checkpoint.safetensors");
  for (const auto& [name, tensor] : a.tensors) {
    if (!tensor.is_floating_point()) continue;
    const double error = (tensor - b.tensor(name)).abs().max().item<double>();
    EXPECT_LT(error, 2e-5 * (1 + tensor.abs().max().item<double>())) << name;
  }
}

TEST(Distributed, TwoRanksOfFourEqualOneOfEightAndTheNumberOfRanksMayChange) {
  const Scratch scratch;
  const std::vector<std::string> half = {"train.schedule=constant", "train.epochs=6"};
  Ranks one(scratch, "one", 1, half);
  EXPECT_EQ(one[0].wait(), 0) << one[0].err();
  Ranks two(scratch, "two", 2, half);
  EXPECT_EQ(two[0].wait(), 0) << two[0].err();
  EXPECT_EQ(two[1].wait(), 0) << two[1].err();
  expect_close_weights(scratch / "one", scratch / "two");
  // Stopped with two ranks, gone on with one.
  Ranks stopped(scratch, "changed", 2, {"train.schedule=constant", "train.epochs=6", "pause_ms=10"});
  const auto losses = scratch / "changed/losses.jsonl";
  ASSERT_TRUE(stopped[0].wait_until([&] { return fs::exists(losses) && !read_text(losses).empty(); }));
  stopped[1].signal(SIGTERM);  // of any rank: all stop at the same step
  EXPECT_EQ(stopped[0].wait(), kStoppedExitCode) << stopped[0].err();
  EXPECT_EQ(stopped[1].wait(), kStoppedExitCode) << stopped[1].err();
  Ranks resumed(scratch, "changed", 1, {}, "resume");
  EXPECT_EQ(resumed[0].wait(), 0) << resumed[0].err();
  EXPECT_NE(resumed[0].err().find("written by 2 rank(s), now 1"), std::string::npos) << resumed[0].err();
  expect_close_weights(scratch / "one", scratch / "changed");
}

TEST(Distributed, TheSpectralAutoencoderNormsOverTheWholeBatchOfAllRanks) {
  const Scratch scratch;
  Overlays overlays = spectral_overlays();
  overlays.insert(overlays.end(), {"train.steps=1", "train.clip_norm=0", "train.ema_decay=0.5"});
  Ranks one(scratch, "one", 1, overlays), two(scratch, "two", 2, overlays);
  EXPECT_EQ(one[0].wait(), 0) << one[0].err();
  EXPECT_EQ(two[0].wait(), 0) << two[0].err();
  EXPECT_EQ(two[1].wait(), 0) << two[1].err();
  // After the first step its moment is a tenth of the gradient: bare of what Adam makes of small numbers. The network
  // norms by eight numbers a channel where it is narrowest, which blows single precision's rounding up to hundredths; in double
  // precision SpectralAutoencoder.TwoRanksOfFour... holds to 1e-9.
  const Checkpoint a = load_checkpoint(scratch / "one/checkpoint.safetensors"),
                   b = load_checkpoint(scratch / "two/checkpoint.safetensors");
  int compared = 0;
  for (const auto& [name, tensor] : a.tensors) {
    if (name.rfind("first.", 0) != 0 && name.find("buffer.") == std::string::npos) continue;
    const double largest = tensor.abs().max().item<double>();
    if (largest < 1e-8) continue;  // right before a norm: without effect, rounding alone
    EXPECT_LT((tensor - b.tensor(name)).abs().max().item<double>(), 1e-1 * largest) << name;
    ++compared;
  }
  EXPECT_GT(compared, 150);
}

TEST(Distributed, ADeadRankEndsTheOthersAndIsNamed) {
  const Scratch scratch;
  Ranks ranks(scratch, "run", 2, {"pause_ms=5", "train.epochs=4000"});
  const auto losses = scratch / "run/losses.jsonl";
  ASSERT_TRUE(ranks[0].wait_until([&] { return fs::exists(losses) && read_text(losses).size() > 400; }))
      << ranks[0].err();
  const auto killed = std::chrono::steady_clock::now();
  ranks[1].signal(SIGKILL);
  EXPECT_EQ(ranks[0].wait(), 4);
  EXPECT_LT(std::chrono::steady_clock::now() - killed, std::chrono::seconds(15));
  EXPECT_NE(ranks[0].err().find("rank 1 no longer answers"), std::string::npos) << ranks[0].err();
  EXPECT_TRUE(fs::exists(scratch / "run/checkpoint.safetensors"));
}

TEST(Distributed, TheDeathOfRank0EndsTheOthersToo) {
  const Scratch scratch;
  Ranks ranks(scratch, "run", 2, {"pause_ms=5", "train.epochs=4000"});
  const auto losses = scratch / "run/losses.jsonl";
  ASSERT_TRUE(ranks[0].wait_until([&] { return fs::exists(losses) && read_text(losses).size() > 400; }))
      << ranks[0].err();
  ranks[0].signal(SIGKILL);
  EXPECT_EQ(ranks[1].wait(), 4);
  EXPECT_NE(ranks[1].err().find("rank 0 no longer answers"), std::string::npos) << ranks[1].err();
}

TEST(Distributed, AnErrorOfOneRankReachesTheOther) {
  const Scratch scratch;
  Ranks ranks(scratch, "run", 2, {"data.nan_at=11"});
  const int first = ranks[0].wait(), second = ranks[1].wait();
  EXPECT_TRUE((first == 2 && second == 4) || (first == 4 && second == 2)) << first << " " << second;
  for (std::size_t rank : {0u, 1u})
    EXPECT_NE(ranks[rank].err().find("tiny response 11"), std::string::npos) << ranks[rank].err();
}

TEST(Distributed, ABatchThatRanksCannotShareIsRefused) {
  const Scratch scratch;
  Ranks ranks(scratch, "run", 3, {});
  for (std::size_t rank : {0u, 1u, 2u}) EXPECT_NE(ranks[rank].wait(), 0);
  const std::string all = ranks[0].err() + ranks[1].err() + ranks[2].err();
  EXPECT_NE(all.find("8 examples cannot be shared evenly by 3 ranks"), std::string::npos) << all;
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST(Rank, IsReadFromTorchrunSlurmOrByHand) {
  {
    const Environment none(std::map<std::string, std::string>{});
    EXPECT_EQ(rank_from_environment().size, 1);
  }
  {
    const Environment by_hand({{"RANK", "2"}, {"WORLD_SIZE", "4"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}});
    const Rank rank = rank_from_environment();
    EXPECT_EQ(rank.rank, 2);
    EXPECT_EQ(rank.address, "node1");
    EXPECT_FALSE(rank.agent_store);
  }
  {
    const Environment slurm({{"SLURM_PROCID", "3"},
                             {"SLURM_STEP_NUM_TASKS", "8"},
                             {"SLURM_STEP_NODELIST", "gpu[03-05,9],login"},
                             {"SLURM_JOB_ID", "1234567"}});
    const Rank rank = rank_from_environment();
    EXPECT_EQ(rank.size, 8);
    EXPECT_EQ(rank.address, "gpu03");
    EXPECT_EQ(rank.port, 20000 + 1234567 % 20000);
  }
  EXPECT_EQ(first_host("a,b"), "a");
  EXPECT_EQ(first_host("n[7]-ib,x"), "n7-ib");
  EXPECT_EQ(first_host("x,n[7-9]"), "x");
}

TEST(Rank, WhatIsMissingOrNoNumberIsNamed) {
  {
    const Environment half(std::map<std::string, std::string>{{"WORLD_SIZE", "2"}});
    EXPECT_NE(message_of<ConfigError>([] { rank_from_environment(); }).find("RANK is not set"), std::string::npos);
  }
  {
    const Environment no_port({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "localhost"}});
    EXPECT_NE(message_of<ConfigError>([] { rank_from_environment(); }).find("MASTER_PORT is not set"),
              std::string::npos);
  }
  const Environment outside({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "1"}});
  EXPECT_NE(message_of<ConfigError>([] { rank_from_environment(); }).find("from 0 to 1"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
