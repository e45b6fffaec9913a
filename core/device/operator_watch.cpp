#include "core/device/operator_watch.h"

#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>

namespace diffverb {

/// Goes with LibTorch's thread state, so that the threads of a backward pass have it too.
struct OperatorWatch::Seen : public c10::DebugInfoBase {
  std::mutex mutex;
  std::string failed;
  std::vector<std::string> waiting;
  std::size_t count = 0;
};

namespace {

constexpr auto kPlace = c10::DebugInfoKind::TEST_INFO_2;

constexpr std::array<std::string_view, 21> kWaiting = {"aten::item",
                                                       "aten::_local_scalar_dense",
                                                       "aten::is_nonzero",
                                                       "aten::nonzero",
                                                       "aten::nonzero_numpy",
                                                       "aten::argwhere",
                                                       "aten::equal",
                                                       "aten::allclose",
                                                       "aten::masked_select",
                                                       "aten::unique_dim",
                                                       "aten::_unique",
                                                       "aten::_unique2",
                                                       "aten::unique_consecutive",
                                                       "aten::repeat_interleave",
                                                       "aten::bincount",
                                                       "aten::linalg_matrix_exp",
                                                       "aten::linalg_solve",
                                                       "aten::linalg_inv",
                                                       "aten::_linalg_check_errors",
                                                       "aten::linalg_eig",
                                                       "aten::linalg_svdvals"};

/// Between two devices, and not asked to go on meanwhile (the last but one flag of copy_, the fifth of _to_copy).
bool copies_between_devices(const at::RecordFunction& function, std::string_view name) {
  const auto inputs = function.inputs();
  if (name == "aten::copy_")
    return inputs.size() > 2 && inputs[0].isTensor() && inputs[1].isTensor() &&
           inputs[0].toTensor().device() != inputs[1].toTensor().device() &&
           !(inputs[2].isBool() && inputs[2].toBool());
  if (name != "aten::_to_copy" || inputs.size() < 6 || !inputs[0].isTensor() || !inputs[3].isDevice()) return false;
  return inputs[0].toTensor().device() != inputs[3].toDevice() && !(inputs[5].isBool() && inputs[5].toBool());
}

template <typename Seen>
std::unique_ptr<at::ObserverContext> note_begin(const at::RecordFunction& function) {
  auto* const seen = static_cast<Seen*>(c10::ThreadLocalDebugInfo::get(kPlace));
  if (!seen) return nullptr;
  const std::string_view name = function.name();
  const bool waits = std::find(kWaiting.begin(), kWaiting.end(), name) != kWaiting.end();
  const std::lock_guard lock(seen->mutex);
  ++seen->count;
  if (waits || copies_between_devices(function, name)) seen->waiting.emplace_back(name);
  return nullptr;
}

template <typename Seen>
void note_end(const at::RecordFunction& function, at::ObserverContext*) {
  auto* const seen = static_cast<Seen*>(c10::ThreadLocalDebugInfo::get(kPlace));
  if (!seen || std::uncaught_exceptions() == 0) return;
  const std::lock_guard lock(seen->mutex);
  if (seen->failed.empty()) seen->failed = function.name();
}

}  // namespace

struct OperatorWatch::Hold {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  std::optional<c10::DebugInfoGuard> guard;
  at::CallbackHandle handle = 0;
};

OperatorWatch::OperatorWatch() : hold_(std::make_unique<Hold>()) {
  hold_->guard.emplace(kPlace, hold_->seen);
  at::RecordFunctionCallback callback(&note_begin<Seen>, &note_end<Seen>);
  callback.needsInputs(true);
  callback.scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION});
  hold_->handle = at::addThreadLocalCallback(std::move(callback));
}

OperatorWatch::~OperatorWatch() { at::removeCallback(hold_->handle); }

std::string OperatorWatch::failed() const {
  const std::lock_guard lock(hold_->seen->mutex);
  return hold_->seen->failed;
}
std::vector<std::string> OperatorWatch::waiting() const {
  const std::lock_guard lock(hold_->seen->mutex);
  return hold_->seen->waiting;
}
std::size_t OperatorWatch::count() const {
  const std::lock_guard lock(hold_->seen->mutex);
  return hold_->seen->count;
}

}  // namespace diffverb
