#include "train/bench/roofline_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/bench/roofline_kernel.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Twelve chains: more than latency times throughput of any unit there is, less than the registers.
std::int64_t MultiplyAdds(std::int64_t rounds) {
  const hn::ScalableTag<float> tag;
  const auto factor = hn::Set(tag, 0.999f), term = hn::Set(tag, 0.001f);
  auto a = hn::Set(tag, 0.1f), b = hn::Set(tag, 0.2f), c = hn::Set(tag, 0.3f), d = hn::Set(tag, 0.4f),
       e = hn::Set(tag, 0.5f), f = hn::Set(tag, 0.6f), g = hn::Set(tag, 0.7f), h = hn::Set(tag, 0.8f),
       i = hn::Set(tag, 0.9f), j = hn::Set(tag, 1.1f), k = hn::Set(tag, 1.2f), l = hn::Set(tag, 1.3f);
  for (std::int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    d = hn::MulAdd(d, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
    k = hn::MulAdd(k, factor, term);
    l = hn::MulAdd(l, factor, term);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)), hn::Add(hn::Add(e, f), hn::Add(g, h)));
  const float all = hn::GetLane(hn::SumOfLanes(tag, hn::Add(sum, hn::Add(hn::Add(i, j), hn::Add(k, l)))));
  // The sum is positive: it is used so that the loop is not left out.
  return all > 0 ? rounds * 12 * 2 * static_cast<std::int64_t>(hn::Lanes(tag)) : 0;
}

void Triad(const float* a, const float* b, float scale, std::size_t size, float* out) {
  const hn::ScalableTag<float> tag;
  const std::size_t lanes = hn::Lanes(tag);
  const auto factor = hn::Set(tag, scale);
  std::size_t n = 0;
  for (; n + lanes <= size; n += lanes) {
    hn::Stream(hn::MulAdd(factor, hn::LoadU(tag, b + n), hn::LoadU(tag, a + n)), tag, out + n);
  }
  for (; n < size; ++n) out[n] = a[n] + scale * b[n];
  hwy::FlushStream();
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(Triad);

std::int64_t multiply_adds(std::int64_t rounds) { return HWY_DYNAMIC_DISPATCH(MultiplyAdds)(rounds); }

void triad(const float* a, const float* b, float scale, std::size_t size, float* out) {
  HWY_DYNAMIC_DISPATCH(Triad)(a, b, scale, size, out);
}

}  // namespace diffverb
#endif
