#include "core/device/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include "core/error.h"

namespace diffverb {
namespace {

thread_local bool may_read = true;

}  // namespace

Precision precision_of(const std::string& word) {
  if (word == "fp32") return Precision::kFp32;
  if (word == "tf32") return Precision::kTf32;
  if (word == "bf16") return Precision::kBf16;
  throw ContractError("precision must be fp32, tf32 or bf16, got '" + word + "'");
}

void tune_device(at::Device device, Precision precision) {
  if (!device.is_cuda()) return;
  auto& context = at::globalContext();
  context.setAllowTF32CuDNN(precision != Precision::kFp32);
  context.setAllowTF32CuBLAS(precision != Precision::kFp32);
  context.setBenchmarkCuDNN(true);  // shapes stay the same from step to step
  // Running sums and transposed convolutions have no deterministic kernel on a GPU, and the strict mode refuses them.
  // What is set already is not written again: other threads of a batch read it.
  if (context.deterministicAlgorithms()) context.setDeterministicAlgorithms(false, false);
}

Autocast::Autocast(at::Device device, Precision precision) : on_(device.is_cuda() && precision == Precision::kBf16) {
  if (!on_) return;
  at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCUDA, true);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCUDA, false);
}

FullPrecision::FullPrecision() : was_on_(is_autocasting()) {
  if (was_on_) at::autocast::set_autocast_enabled(at::kCUDA, false);
}

FullPrecision::~FullPrecision() {
  if (was_on_) at::autocast::set_autocast_enabled(at::kCUDA, true);
}

bool is_autocasting() { return at::autocast::is_autocast_enabled(at::kCUDA); }

bool may_read_from_device() { return may_read; }
void set_may_read_from_device(bool may) { may_read = may; }

}  // namespace diffverb
