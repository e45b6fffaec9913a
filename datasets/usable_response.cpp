#include "datasets/usable_response.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "core/acoustics/preparation.h"
#include "core/error.h"

namespace diffverb {
namespace {

constexpr float kSilentPeak = 1e-15f;  // -300 dB: energies of less are nothing in single precision

}  // namespace

void check_response(const Audio& response, const std::string& name) {
  for (std::size_t c = 0; c < response.channels.size(); ++c) {
    const std::vector<float>& x = response.channels[c];
    const auto bad = std::find_if(x.begin(), x.end(), [](float value) { return !std::isfinite(value); });
    std::ostringstream message;
    message << name << ": channel " << c + 1;
    if (bad != x.end()) {
      message << ": sample " << bad - x.begin() << " is not a number";
      throw DataError(message.str());
    }
    const std::vector<double> samples(x.begin(), x.end());
    const std::size_t left = samples.size() - (samples.empty() ? 0 : acoustics::find_onset(samples));
    if (static_cast<double>(left) >= kShortestResponse_s * response.rate_hz) continue;
    message << " has " << left << " samples from its onset on at " << response.rate_hz
            << " Hz; too short to be a room (expected " << kShortestResponse_s << " s)";
    throw DataError(message.str());
  }
  const auto is_silent = [](const std::vector<float>& x) {
    return std::all_of(x.begin(), x.end(), [](float value) { return std::abs(value) < kSilentPeak; });
  };
  if (std::all_of(response.channels.begin(), response.channels.end(), is_silent))
    throw DataError(name + ": is silent, expected an impulse response");
}

}  // namespace diffverb
