#include "core/error.h"
#include "tests/core/samples/sample.h"

namespace diffverb {
namespace {

/// A part within a part of the same family, with a check across keys that the recorder's defaults do not pass.
class Pair final : public Sample {
 public:
  explicit Pair(Fields& f) {
    Fields first = f.map("first");
    first_ = family<Sample>().make(first);
    f.required("times", times_);
    if (times_ == 0) f.fail("times", "expected a number other than 0");
  }
  double value() const override { return first_->value() * times_; }

 private:
  std::unique_ptr<Sample> first_;
  double times_ = 0;
};

}  // namespace

DIFFVERB_PART(samples, pair, Pair, "A part times a number", "")

}  // namespace diffverb
