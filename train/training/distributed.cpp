#include "train/training/distributed.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <arpa/inet.h>
#include <c10/util/Logging.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/error.h"
#include "train/training/heartbeat.h"
#include "train/training/seconds_since.h"

namespace diffverb {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kGlooTimeout{1800};  // the heartbeat finds what is dead long before
constexpr std::chrono::milliseconds kLookEvery{250};
constexpr double kDeadAfter_s = 3, kBlameFor_s = 8;  // once a connection has broken

bool is_loopback(const std::string& address) { return address.rfind("127.", 0) == 0; }

/// The address from which this machine would reach another one; nothing is sent.
std::string address_towards(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), "9", &hints, &found) != 0 || !found) return "";
  std::string out;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  char text[INET_ADDRSTRLEN] = "";
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
      ::inet_ntop(AF_INET, &own.sin_addr, text, sizeof text))
    out = text;
  if (fd >= 0) ::close(fd);
  ::freeaddrinfo(found);
  return out;
}

/// Gloo binds to what the machine's own name resolves to, which is often not where others reach it.
std::shared_ptr<gloo::transport::Device> make_device(const Rank& rank) {
  if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME"); interface && *interface)
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  std::string own = address_towards(rank.address);
  const bool here = is_loopback(rank.address) || rank.address == "localhost";
  if (is_loopback(own) && !here) own = address_towards("192.0.2.1");  // any other machine: RFC 5737's example
  return own.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                     : c10d::ProcessGroupGloo::createDeviceForHostname(own);
}

/// c10d prints a stack for each connection that breaks; what happened is said once, by what is thrown.
void quieten_c10d() {
  ::setenv("TORCH_CPP_LOG_LEVEL", "ERROR", 0);
  c10::initLogging();
}

c10::intrusive_ptr<c10d::Store> open_store(const Rank& rank, double join_s) {
  quieten_c10d();
  addrinfo* found = nullptr;
  if (::getaddrinfo(rank.address.c_str(), nullptr, nullptr, &found) != 0)
    throw ConfigError("MASTER_ADDR '" + rank.address + "': no such host");
  ::freeaddrinfo(found);
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(rank.port);
  options.isServer = rank.rank == 0 && !rank.agent_store;
  options.numWorkers = rank.size;
  options.waitWorkers = false;
  options.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(join_s * 1000));
  const std::string where = rank.address + ":" + std::to_string(rank.port);
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(rank.address, options);
    return c10::make_intrusive<c10d::PrefixStore>("diffverb/" + rank.prefix, std::move(store));
  } catch (const std::exception&) {
    throw Error("rank " + std::to_string(rank.rank) + ": " +
                (options.isServer ? "cannot listen on " + where + " (is the port taken?)"
                                  : "no store answers on " + where + " within " +
                                        std::to_string(static_cast<int>(join_s)) + " s (is rank 0 running there?)"));
  }
}

/// Waits until every rank has said that it is there, and names those that have not.
void join(c10d::Store& store, const Rank& rank, double join_s) {
  const auto started = Clock::now();
  store.set("joined/" + std::to_string(rank.rank), std::string("1"));
  std::string missing = "?";
  while (true) {
    missing.clear();
    for (int other = 0; other < rank.size; ++other) {
      if (!store.check({"joined/" + std::to_string(other)}))
        missing += (missing.empty() ? "" : ", ") + std::to_string(other);
    }
    if (missing.empty()) return;
    if (seconds_since(started) > join_s)
      throw Error("rank " + std::to_string(rank.rank) + ": of " + std::to_string(rank.size) +
                  " ranks these did not arrive within " + std::to_string(static_cast<int>(join_s)) + " s: " + missing);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

class Distributed::Pending {
 public:
  Pending(c10::intrusive_ptr<c10d::Work> work, at::Tensor tensor)
      : work_(std::move(work)), tensor_(std::move(tensor)) {}
  c10d::Work& work() { return *work_; }
  bool is_on_gpu() const { return tensor_.is_cuda(); }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
  at::Tensor tensor_;  // Gloo works on its memory
};

class Distributed::Impl {
 public:
  Impl(const Rank& rank, const Limits& limits) : limits_(limits) {
    store_ = open_store(rank, limits.join_s);
    try {
      join(*store_, rank, limits.join_s);
      store_->setTimeout(std::chrono::seconds(30));
      heartbeat_ = std::make_unique<Heartbeat>(store_, rank.rank, rank.size, !rank.agent_store);
      gradients_ = make_group(rank, "gradients");
      inner_ = make_group(rank, "inner");
    } catch (const c10::Error& error) {
      throw Error("rank " + std::to_string(rank.rank) +
                  ": the ranks do not reach each other: " + blame(error.what_without_backtrace()));
    }
  }

  /// Of work on a GPU it is the stream that waits; wait_for_gpu() is where the host does.
  void wait(c10d::Work& work, bool on_gpu = false) {
    if (on_gpu) {
      work.wait();
      return;
    }
    while (true) {
      try {
        work.wait(kLookEvery);
        return;
      } catch (const std::exception& error) {
        if (work.isCompleted()) fail(blame(error.what()));
        const std::string trouble = heartbeat_->trouble(limits_.silent_s);
        if (!trouble.empty()) fail(trouble);
      }
    }
  }

  void wait_for_gpu() {
    auto looked = Clock::now();
    while (true) {
      try {
        if (cuda_module()->is_idle()) return;
      } catch (const std::exception& error) {
        fail(blame(error.what()));
      }
      if (Clock::now() - looked < kLookEvery) {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        continue;
      }
      looked = Clock::now();
      const std::string trouble = heartbeat_->trouble(limits_.silent_s);
      if (!trouble.empty()) fail(trouble);
    }
  }

  c10d::Backend& group_for(const at::Tensor& tensor, bool gradients) {
    if (!tensor.is_cuda()) return gradients ? *gradients_ : *inner_;
    if (!gpus_) throw ContractError("a tensor on a GPU is to be summed, but the ranks' GPUs have not been joined");
    return *gpus_;
  }

  /// Once a connection has broken: whose fault it is, as soon as it shows.
  std::string blame(const std::string& what) {
    const auto started = Clock::now();
    while (heartbeat_ && seconds_since(started) < kBlameFor_s) {
      const std::string trouble = heartbeat_->trouble(kDeadAfter_s);
      if (!trouble.empty()) return trouble;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return "the connection to another rank is lost: " + what.substr(0, what.find('\n'));
  }

  [[noreturn]] void fail(const std::string& why) {
    failed_ = true;
    heartbeat_->report_failure(why);  // the one who knows first says it for all
    throw Error("the training cannot go on: " + why);
  }

  /// Gloo's threads may hang in a rank that is gone: then they are left to the end of the process.
  void let_go() {
    if (!failed_) return;
    gradients_.release();
    inner_.release();
    gpus_.release();
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> make_group(const Rank& rank, const std::string& name) {
    auto options = c10d::ProcessGroupGloo::Options::create(kGlooTimeout);
    options->devices.push_back(make_device(rank));
    return c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>(name, store_), rank.rank,
                                                       rank.size, options);
  }

  Limits limits_;
  bool failed_ = false;
  c10::intrusive_ptr<c10d::Store> store_;
  std::unique_ptr<Heartbeat> heartbeat_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gradients_, inner_;
  c10::intrusive_ptr<c10d::Backend> gpus_;  // one for all: NCCL wants its calls in one order on every rank
};

Distributed::Distributed(const Rank& rank, const Limits& limits)
    : rank_(rank), impl_(std::make_unique<Impl>(rank, limits)) {}

Distributed::~Distributed() {
  try {
    if (impl_->gpus_ && !impl_->failed_) impl_->gpus_->shutdown();
  } catch (const std::exception&) {  // the run is over, whatever NCCL has to say
  }
  impl_->let_go();
}

void Distributed::use_gpu() {
  impl_->gpus_ =
      cuda_module()->make_nccl(c10::make_intrusive<c10d::PrefixStore>("gpus", impl_->store_), rank_.rank, rank_.size);
  if (!impl_->gpus_)
    throw ConfigError("device: cuda: " + std::to_string(rank_.size) +
                      " processes need NCCL, without which the CUDA module was built (nccl.h was not found)");
  at::Tensor one = at::ones({1}, at::TensorOptions().device(at::kCUDA));
  try {
    sum_in_place(one);  // connects: what is wrong between the GPUs is said here, not in a step
  } catch (const c10::Error& error) {
    impl_->fail(impl_->blame(error.what_without_backtrace()));
  }
  wait_for_gpu();
}

void Distributed::wait_for_gpu() { impl_->wait_for_gpu(); }

std::shared_ptr<Distributed::Pending> Distributed::start_sum(const at::Tensor& contiguous) {
  std::vector<at::Tensor> tensors{contiguous.detach()};
  return std::make_shared<Pending>(impl_->group_for(contiguous, true).allreduce(tensors), tensors[0]);
}

void Distributed::finish(const std::shared_ptr<Pending>& pending) {
  impl_->wait(pending->work(), pending->is_on_gpu());
}

void Distributed::sum_in_place(at::Tensor& tensor) {
  std::vector<at::Tensor> tensors{tensor};
  impl_->wait(*impl_->group_for(tensor, false).allreduce(tensors), tensor.is_cuda());
}

void Distributed::broadcast(at::Tensor& contiguous) {
  std::vector<at::Tensor> tensors{contiguous.detach()};
  impl_->wait(*impl_->group_for(contiguous, false).broadcast(tensors), contiguous.is_cuda());
}

std::string Distributed::broadcast(const std::string& text) {
  at::Tensor size = at::tensor({static_cast<std::int64_t>(text.size())}, at::kLong);
  broadcast(size);
  at::Tensor bytes = at::zeros({size.item<std::int64_t>()}, at::kByte);
  if (rank_.rank == 0) std::memcpy(bytes.data_ptr(), text.data(), text.size());
  if (bytes.numel() > 0) broadcast(bytes);
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<std::size_t>(bytes.numel())};
}

void Distributed::barrier() { impl_->wait(*impl_->inner_->barrier()); }

void Distributed::report_failure(const std::string& message) noexcept {
  impl_->failed_ = true;
  impl_->heartbeat_->report_failure("rank " + std::to_string(rank_.rank) + " ended: " + message);
}

}  // namespace diffverb
