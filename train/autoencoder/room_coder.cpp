#include "train/autoencoder/room_coder.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "core/resample.h"
#include "runtime/metadata.h"
#include "train/model_file.h"

namespace diffverb {

EncodedRoom RoomCoder::encode(const Audio& response) {
  EncodedRoom room;
  room.rate_hz = response.rate_hz;
  room.seconds = room.onset_s = static_cast<double>(response.frames()) / response.rate_hz;
  const Audio at_rate = response.rate_hz == rate_hz() ? response : resample(response, rate_hz());
  for (std::size_t c = 0; c < at_rate.channels.size(); ++c) {
    const std::vector<float>& samples = at_rate.channels[c];
    if (std::all_of(samples.begin(), samples.end(), [](float x) { return x == 0; }))
      throw DataError("channel " + std::to_string(c + 1) + " is silent, expected an impulse response");
    room.channels.push_back(encode_channel(samples, c));
    room.onset_s = std::min(room.onset_s, room.channels.back().onset_s);
  }
  return room;
}

Audio RoomCoder::decode(const EncodedRoom& room) {
  Audio out;
  out.rate_hz = rate_hz();
  const auto frames = static_cast<std::size_t>(std::llround(room.seconds * rate_hz()));
  for (std::size_t c = 0; c < room.channels.size(); ++c) {
    const EncodedRoom::Channel& channel = room.channels[c];
    const auto onset = std::min(frames, static_cast<std::size_t>(std::llround(channel.onset_s * rate_hz())));
    std::vector<float> samples(onset, 0.0f);
    const std::vector<float> played =
        play(channel, std::max<double>(1, static_cast<double>(frames - onset)) / rate_hz(), c);
    samples.insert(samples.end(), played.begin(), played.end());
    samples.resize(frames, 0.0f);
    out.channels.push_back(std::move(samples));
  }
  if (room.rate_hz == rate_hz()) return out;
  Audio at_rate = resample(out, room.rate_hz);
  const auto wanted = static_cast<std::size_t>(std::llround(room.seconds * room.rate_hz));
  for (auto& channel : at_rate.channels) channel.resize(wanted, 0.0f);
  return at_rate;
}

Audio RoomCoder::imagine_pair(const std::vector<double>& latent, double seconds, const runtime::StereoWidth& width) {
  if (width.width != 0) throw ConfigError("this autoencoder has no stereo pair of a width; leave --width out");
  Audio one = imagine(latent, seconds, 1);
  one.channels.push_back(one.channels[0]);
  return one;
}

std::filesystem::path RoomCoder::file_of(const std::filesystem::path& given) {
  if (!std::filesystem::is_directory(given)) {
    check_readable_file(given, "an autoencoder's weights");
    return given;
  }
  const auto model = given / "model.safetensors";
  if (!std::filesystem::exists(model) && std::filesystem::exists(given / "weights.safetensors"))
    throw DataError(given.string() + ": is the run of a fit, expected an autoencoder's");
  if (!std::filesystem::exists(model) && std::filesystem::exists(given / "checkpoint.safetensors"))
    throw DataError(given.string() + ": the run is not finished; go on with: diffverb train --resume " +
                    given.string());
  check_readable_file(model, "an autoencoder's weights");
  return model;
}

std::unique_ptr<RoomCoder> RoomCoder::open(const std::filesystem::path& given) {
  const auto path = file_of(given);
  if (const std::string kind = runtime::kind_of_file(path); kind == runtime::kDelayNetwork)
    throw DataError(path.string() + ": is a delay network, expected an autoencoder");
  else if (kind == "waveform_autoencoder")
    return open_waveform_coder(path);
  else if (!kind.empty())
    return open_envelope_coder(path);
  ModelFile trained = load_model(path);
  const std::string type = trained.type;
  if (type == "spectral_autoencoder") return open_spectral_coder(std::move(trained));
  if (type == "waveform_autoencoder") return open_waveform_coder(std::move(trained));
  if (type == "envelope_autoencoder") return open_envelope_coder(std::move(trained));
  throw DataError(path.string() + ": holds a " + type +
                  ", expected an envelope_autoencoder, a spectral_autoencoder or a waveform_autoencoder");
}

}  // namespace diffverb
