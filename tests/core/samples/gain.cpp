#include "tests/core/samples/sample.h"

namespace diffverb {
namespace {

class Gain final : public Sample {
 public:
  explicit Gain(Fields& f) {
    f.optional("gain_db", gain_db_, between(-60, 20), "dB");
    f.map("filter").optional("cutoff_hz", cutoff_hz_, above(0), "Hz");
  }
  double value() const override { return gain_db_; }

 private:
  double gain_db_ = -6;
  double cutoff_hz_ = 1000;
};

}  // namespace

DIFFVERB_PART(samples, gain, Gain, "A gain", "Nobody 2000")

}  // namespace diffverb
