#include "losses/composite.h"

namespace diffverb {
namespace {

/// What makers of reverberators have tuned by ear: spectrum, time, information and masking.
///
///   L = d_spec + d_time + d_info + d_mask
///   spec: mr_stft   time: 0.1 edr   info: entropy   mask: 0.1 masked
///
/// Each map takes a weight and the keys of its loss. edr and masked are in dB, the others shares and nepers: hence 0.1.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; what the four losses read
/// Returns  scalar without unit
/// Gradient finite everywhere
/// Throws   what the four throw; ConfigError for negative weights or where all are 0
/// Source   seed document "Artificial reverb": J = d_spec + d_time + d_info + d_mask
class Implicit final : public Composite {
 public:
  explicit Implicit(Fields& f) : Composite("implicit") {
    add(f, "spec", "mr_stft", 1);
    add(f, "time", "edr", 0.1);
    add(f, "info", "entropy", 1);
    add(f, "mask", "masked", 0.1);
    check_weights(f);
  }
};

}  // namespace

DIFFVERB_PART(losses, implicit, Implicit, "d_spec + d_time + d_info + d_mask: mr_stft, 0.1 edr, entropy, 0.1 masked",
              "seed document: J")

}  // namespace diffverb
