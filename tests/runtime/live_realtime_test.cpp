// A live reverb plays without the allocator, locks or system calls, whatever it plays and whatever is moved.
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "intercept.h"
#include "live.h"

namespace diffverb::runtime {
namespace {

#if DIFFVERB_INTERCEPTS
using testing::Silence;

TEST(RealtimeLiveInterceptor, SeesTheAllocator) {
  EXPECT_GE(testing::calls_of([] {
              void* volatile p = ::operator new(10);
              ::operator delete(p);
            }).allocator,
            2);
  EXPECT_EQ(testing::calls_of([] {}).allocator, 0);
}

TEST(RealtimeLiveInterceptor, SeesLocks) {
  std::mutex mutex;
  EXPECT_EQ(testing::calls_of([&] { const std::lock_guard lock(mutex); }).locks, 1);
  EXPECT_EQ(testing::calls_of([&] { (void)std::unique_lock(mutex, std::try_to_lock); }).locks, 1);
  EXPECT_EQ(testing::calls_of([] {}).locks, 0);
}

/// How a thread ends that does this and is forbidden system calls.
Silence end_of(const std::function<bool()>& act) {
  return testing::without_system_calls([] {}, act, [] {});
}

TEST(RealtimeLiveInterceptor, SeesSystemCalls) {
  const Silence plain = end_of([] { return true; });
  if (plain == Silence::kNotPossibleHere) GTEST_SKIP() << "no seccomp filters here";
  EXPECT_EQ(plain, Silence::kKept);
  EXPECT_EQ(end_of([] { return false; }), Silence::kFailed);
  EXPECT_EQ(end_of([] { return ::write(2, "", 0) == 0; }), Silence::kBroken);
  EXPECT_EQ(end_of([] {
              const std::vector<float> large(1 << 24);  // from the kernel
              return large[0] == 0;
            }),
            Silence::kBroken);
  std::mutex taken;
  taken.lock();
  EXPECT_EQ(end_of([&] {
              taken.lock();  // waits in the kernel
              return true;
            }),
            Silence::kBroken);
}

/// Plays with everything moving while another thread changes the model and makes voices.
class Storm {
 public:
  explicit Storm(std::vector<testing::NamedSource> sources) : sources_(std::move(sources)) {}

  void prepare() { reverb_ = testing::ready(sources_[0].source); }

  /// In the audio thread: blocks of many sizes, all controls moved by the thread itself, until every source was heard.
  bool play() {
    const testing::Calls before = testing::calls_so_far();
    float in[2][1024], out[2][1024];
    const float* from[] = {in[0], in[1]};
    float* to[] = {out[0], out[1]};
    unsigned seed = 1;
    const auto draw = [&] { return static_cast<double>((seed = seed * 1664525u + 1013904223u) >> 8) / (1 << 24); };
    for (long call = 0; call < 1500 || !all_loaded_.load(); ++call) {
      const int sizes[] = {1, 16, 64, 333, 1024};
      const int frames = sizes[call % 5];
      for (auto& channel : in) {
        for (int n = 0; n < frames; ++n) channel[n] = static_cast<float>(draw() - 0.5);
      }
      const auto control = static_cast<Control>(call % static_cast<long>(Control::kCount));
      if (!is_for_voices(control)) reverb_->set(control, from_normal(control, draw()));
      reverb_->process(from, to, frames);
      if (call % 700 == 699) reverb_->reset();
      (void)reverb_->levels();
      for (int n = 0; n < frames; ++n) {
        if (!std::isfinite(out[0][n]) || !std::isfinite(out[1][n])) return false;
      }
    }
    const testing::Calls after = testing::calls_so_far();
    return after.allocator == before.allocator && after.locks == before.locks;
  }

  /// In the main thread: the next source, or another point.
  void change() {
    if (++changes_ % 3 == 0) {
      reverb_->set(Control::kX, changes_ % 9);
      reverb_->settle();
      return;
    }
    if (next_ < sources_.size() && !reverb_->load(sources_[next_++].source).empty()) _exit(9);
    if (next_ == sources_.size()) all_loaded_ = true;
  }

 private:
  /// The worker would make voices for these all the time: the main thread asks for some.
  static bool is_for_voices(Control control) {
    switch (control) {
      case Control::kX:
      case Control::kY:
      case Control::kZ:
      case Control::kWidth:
      case Control::kDecay:
      case Control::kSize:
      case Control::kDamping:
      case Control::kEarlyLate:
      case Control::kModulation:
        return true;
      default:
        return false;
    }
  }

  std::vector<testing::NamedSource> sources_;
  std::unique_ptr<LiveReverb> reverb_;
  std::size_t next_ = 0;
  int changes_ = 0;
  std::atomic<bool> all_loaded_{false};
};

TEST(RealtimeLiveReverb, MakesNoSystemCallWhateverPlaysAndMoves) {
  Storm storm(testing::sources_of_every_kind());
  const Silence end =
      testing::without_system_calls([&] { storm.prepare(); }, [&] { return storm.play(); }, [&] { storm.change(); });
  if (end == Silence::kNotPossibleHere) GTEST_SKIP() << "no seccomp filters here";
  EXPECT_EQ(end, Silence::kKept);
}

TEST(RealtimeLiveReverb, CallsNeitherAllocatorNorLocks) {
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    const auto reverb = testing::ready(source);
    const auto in = testing::noise(2, 8192, 1);
    auto out = in;
    const float* from[] = {in[0].data(), in[1].data()};
    float* to[] = {out[0].data(), out[1].data()};
    for (const int frames : {1, 64, 333, 8192}) {
      ASSERT_EQ(reverb->load(source), "");
      // The very first call with the new voice too.
      const testing::Calls calls = testing::calls_of([&] {
        reverb->set(Control::kFreeze, frames == 333);
        reverb->set(Control::kLowpassOn, frames == 64);
        reverb->set(Control::kDistance, 20.0 / frames);
        reverb->process(from, to, frames);
      });
      EXPECT_EQ(calls.allocator, 0) << name << " " << frames;
      EXPECT_EQ(calls.locks, 0) << name << " " << frames;
    }
    const testing::Calls calls = testing::calls_of([&] { reverb->reset(); });
    EXPECT_EQ(calls.allocator + calls.locks, 0) << name;
  }
}
#endif

}  // namespace
}  // namespace diffverb::runtime
