#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "plugin/ui/view/decay_bands.h"

namespace diffverb::ui {

/// Makes pictures of responses on a thread of its own, so that neither the drawing nor the sound waits for one. Of
/// several that are asked for while one is made, only the last is made. A job that throws makes none.
class PictureWorker {
 public:
  using Job = std::function<ResponsePicture()>;

  PictureWorker();
  ~PictureWorker();  ///< waits for the picture that is being made
  PictureWorker(const PictureWorker&) = delete;
  PictureWorker& operator=(const PictureWorker&) = delete;

  void ask(Job job);
  /// The newest picture, once; nothing where there has been none since the last call.
  std::shared_ptr<const ResponsePicture> take();
  bool is_idle() const;  ///< nothing is being made or waits

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Job next_;
  std::shared_ptr<const ResponsePicture> made_;
  bool busy_ = false, stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace diffverb::ui
