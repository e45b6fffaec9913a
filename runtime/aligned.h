#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace diffverb::runtime {

/// Memory that begins at a cache line: whole vectors of any width are then loaded from one line, not from two.
template <typename T>
struct Aligned {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  Aligned() = default;
  template <typename U>
  Aligned(const Aligned<U>&) {}  // NOLINT(google-explicit-constructor): allocators convert

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, kLine); }
  bool operator==(const Aligned&) const { return true; }
};

/// What the kernels work on.
using Floats = std::vector<float, Aligned<float>>;

}  // namespace diffverb::runtime
