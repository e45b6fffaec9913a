#include "datasets/simulate/fractional_delay.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace diffverb {
namespace {

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

}  // namespace

FractionalDelay::FractionalDelay(int taps, int phases) : taps_(taps), phases_(phases) {
  if (taps < 3 || taps > 1023 || taps % 2 == 0)
    throw ContractError("FractionalDelay: expected an odd number of taps within 3 .. 1023");
  if (phases < 1 || phases > 4096) throw ContractError("FractionalDelay: expected phases within 1 .. 4096");
  stride_ = static_cast<std::size_t>((taps + kPad - 1) / kPad * kPad);
  table_.assign(static_cast<std::size_t>(phases + 2) * stride_, 0.0f);
  for (int p = 0; p < phases + 2; ++p) {
    const double fraction = 1 - static_cast<double>(p) / phases;
    for (int k = 0; k < taps; ++k) {
      const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * k / (taps - 1));
      table_[static_cast<std::size_t>(p) * stride_ + static_cast<std::size_t>(k)] =
          static_cast<float>(window * sinc(k - taps / 2 - fraction));
    }
  }
}

}  // namespace diffverb
