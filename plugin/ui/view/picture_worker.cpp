#include "plugin/ui/view/picture_worker.h"

#include <exception>
#include <utility>

namespace diffverb::ui {
namespace {

/// Null where the job throws (there is no memory): then the picture before it stays.
std::shared_ptr<const ResponsePicture> made_by(const PictureWorker::Job& job) noexcept try {
  return std::make_shared<const ResponsePicture>(job());
} catch (const std::exception&) {
  return nullptr;
}

}  // namespace

PictureWorker::PictureWorker() : thread_([this] { work(); }) {}

PictureWorker::~PictureWorker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void PictureWorker::ask(Job job) {
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(job);
  }
  wake_.notify_one();
}

std::shared_ptr<const ResponsePicture> PictureWorker::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(made_, nullptr);
}

bool PictureWorker::is_idle() const {
  const std::lock_guard lock(mutex_);
  return !busy_ && !next_;
}

void PictureWorker::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || next_; });
    if (stop_) return;
    const Job job = std::exchange(next_, nullptr);
    busy_ = true;
    lock.unlock();
    auto picture = made_by(job);
    lock.lock();
    if (picture) made_ = std::move(picture);
    busy_ = false;
  }
}

}  // namespace diffverb::ui
