#pragma once

#include <string>

#include "core/tensor.h"

namespace diffverb {

/// What networks compute in on a GPU; the CPU always computes in the parameters' own type.
enum class Precision {
  kFp32,  // float32 throughout
  kTf32,  // float32, products of matrices and convolutions with 10 bits of mantissa
  kBf16   // products of matrices and convolutions in bfloat16; parameters, statistics and losses in float32
};

/// "fp32", "tf32", "bf16"
Precision precision_of(const std::string& word);

/// Sets what holds for the whole process: TF32 or not, and the search for the fastest convolution.
void tune_device(at::Device device, Precision precision);

/// While it lives, products of matrices and convolutions of this thread compute in bfloat16 where `precision` says so
/// and the device is a GPU.
class Autocast {
 public:
  Autocast(at::Device device, Precision precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_ = false;
};

/// While it lives, an Autocast around it does nothing: for spectra, energies and levels, which need float32.
class FullPrecision {
 public:
  FullPrecision();
  ~FullPrecision();
  FullPrecision(const FullPrecision&) = delete;
  FullPrecision& operator=(const FullPrecision&) = delete;

 private:
  bool was_on_ = false;
};

/// Whether an Autocast of this thread is at work.
bool is_autocasting();

/// A loss or model may ask the device for a number only where this is true: not while a CUDA graph is being recorded.
bool may_read_from_device();
/// Set by what records a graph.
void set_may_read_from_device(bool may);

}  // namespace diffverb
