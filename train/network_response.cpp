#include "train/network_response.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/resample.h"
#include "runtime/metadata.h"
#include "runtime/pyfdn_network.h"
#include "runtime/render.h"

namespace diffverb {
namespace {

constexpr const char* kFitted = "weights.safetensors";  // in the run folder of a fit

}  // namespace

bool NetworkResponse::is_there(const std::filesystem::path& given) {
  if (std::filesystem::is_directory(given))
    return !std::filesystem::exists(given / "model.safetensors") && std::filesystem::exists(given / kFitted);
  return runtime::is_json_file(given) || runtime::kind_of_file(given) == runtime::kDelayNetwork;
}

NetworkResponse::NetworkResponse(const std::filesystem::path& given) {
  const auto path = std::filesystem::is_directory(given) ? given / kFitted : given;
  auto loaded = runtime::load_model(path);
  if (!loaded.model) throw DataError(path.string() + ": " + loaded.error);
  model_ = std::move(loaded.model);
}

Audio NetworkResponse::like(const Audio& measured, int first_channel) const {
  const std::size_t outputs = static_cast<std::size_t>(model_->outputs()),
                    first = static_cast<std::size_t>(first_channel);
  const std::size_t wanted = first + measured.channels.size();
  if (outputs > 1 && wanted > outputs)
    throw DataError("has " + std::to_string(wanted) + " channels, the network only " + std::to_string(outputs) +
                    " outputs");
  Audio played;
  played.rate_hz = model_->sample_rate_hz();
  played.channels = runtime::render_impulse(model_, static_cast<double>(measured.frames()) / measured.rate_hz);
  if (played.rate_hz != measured.rate_hz) played = resample(played, measured.rate_hz);
  Audio out;
  out.rate_hz = measured.rate_hz;
  for (std::size_t c = first; c < wanted; ++c) {
    out.channels.push_back(played.channels[std::min(c, outputs - 1)]);
    out.channels.back().resize(measured.frames(), 0.0f);
  }
  return out;
}

}  // namespace diffverb
