#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "train/autoencoder/encoded_room.h"
#include "train/autoencoder/room_coder.h"
#include "train/autoencoder/stereo_report.h"
#include "train/cli.h"

namespace diffverb {
namespace {

struct DecodeArguments {
  std::string model, out, latent_file;
  std::vector<double> z;
  double seconds = 0;
  int channels = 0, axis = 1;  // channels 0: as encoded, or one
  std::optional<double> width;
  bool json = false;
};

EncodedRoom room_of(const DecodeArguments& options, const RoomCoder& coder) {
  return read_encoded_room(options.latent_file, options.model, coder.latent(), coder.latent_bound());
}

std::vector<double> latent_of(const DecodeArguments& options, const RoomCoder& coder) {
  if (!options.latent_file.empty()) return room_of(options, coder).channels[0].latent;
  const std::vector<double>& z = options.z;
  if (static_cast<int>(z.size()) != coder.latent())
    throw ConfigError("decode: " + std::to_string(z.size()) + " latent coordinates given, " + options.model + " has " +
                      std::to_string(coder.latent()));
  for (const double value : z) {
    if (!(std::abs(value) <= coder.latent_bound()))
      throw ConfigError("decode: latent coordinate " + std::to_string(value) + " is outside -" +
                        std::to_string(coder.latent_bound()) + " to " + std::to_string(coder.latent_bound()));
  }
  return z;
}

void check_width(const DecodeArguments& options, const RoomCoder& coder) {
  if (!(std::abs(*options.width) <= 2 * coder.latent_bound()))
    throw ConfigError("decode: --width " + std::to_string(*options.width) + " is outside -" +
                      std::to_string(2 * coder.latent_bound()) + " to " + std::to_string(2 * coder.latent_bound()));
  if (options.axis > coder.latent())
    throw ConfigError("decode: --axis " + std::to_string(options.axis) + ": " + options.model + " has " +
                      std::to_string(coder.latent()) + " latent coordinates");
}

void decode_pair(const DecodeArguments& options, RoomCoder& coder) {
  check_width(options, coder);
  const runtime::StereoWidth width{*options.width, options.axis - 1};
  const std::vector<double> z = latent_of(options, coder);
  const Audio pair = coder.imagine_pair(z, options.seconds, width);
  write_audio(options.out, pair);
  const StereoReport report = measure_stereo(pair, width.width);
  if (!options.json) {
    std::cout << options.out << "\n" << stereo_table(report);
    return;
  }
  const auto points = runtime::stereo_points(z, coder.latent_bound(), width);
  nlohmann::json out = to_json(report);
  out.update({{"file", options.out},
              {"width", width.width},
              {"axis", options.axis},
              {"z_left", points[0]},
              {"z_right", points[1]}});
  std::cout << out.dump(2) << "\n";
}

void decode(const DecodeArguments& options) {
  const std::unique_ptr<RoomCoder> coder = RoomCoder::open(options.model);
  if (options.width) return decode_pair(options, *coder);
  const bool as_encoded = !options.latent_file.empty() && options.seconds == 0 && options.channels == 0;
  write_audio(options.out,
              as_encoded ? coder->decode(room_of(options, *coder))
                         : coder->imagine(latent_of(options, *coder), options.seconds, std::max(1, options.channels)));
  if (options.json)
    std::cout << nlohmann::json{{"file", options.out}}.dump(2) << "\n";
  else
    std::cout << options.out << "\n";
}

}  // namespace

void add_decode_command(Command& app, Context&) {
  auto options = std::make_shared<DecodeArguments>();
  Command* command = app.add_subcommand("decode", "The impulse response of a latent point");
  command->add_option("--model", options->model, "exported autoencoder, or a run or model file of diffverb train")
      ->required();
  auto* z = command->add_option("--z", options->z, "latent coordinates, X,Y,Z,...")->delimiter(',');
  command
      ->add_option(
          "--latent", options->latent_file,
          "instead of --z: latent.json of diffverb encode; every channel as it was encoded, or, with --seconds, "
          "--channels or --width, the first one's point")
      ->excludes(z);
  command->add_option("--out", options->out, "WAV to write (float32)")->required();
  command->add_option("--seconds", options->seconds, "length (default: until 70 dB down, at most 12 s)")
      ->check(in_range(0.01, 60.0));
  auto* channels =
      command->add_option("--channels", options->channels, "uncorrelated responses of the same point (default 1)")
          ->check(in_range(1, kMostChannels));
  auto* width = command
                    ->add_option("--width", options->width,
                                 "stereo: left and right are points this far apart, heard as by microphones as many "
                                 "metres apart; 0 is mono, negative changes sides")
                    ->excludes(channels);
  command->add_option("--axis", options->axis, "of the latent point, along which the width lies")
      ->needs(width)
      ->check(positive_number())
      ->capture_default_str();
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "What was measured has a noise floor, which `diffverb encode` plays and --latent plays again; a point alone has "
      "none.\n"
      "Examples:\n"
      "  diffverb decode --z 0.3,-1,0.2 --model autoencoder_3.safetensors --out ir.wav\n"
      "  diffverb decode --z 0.3,-1,0.2 --width 0.2 --model autoencoder_3.safetensors --out stereo.wav\n"
      "  diffverb decode --latent room/latent.json --model autoencoder.safetensors --out ir.wav\n"
      "  diffverb decode --latent room/latent.json --seconds 2 --channels 2 --model autoencoder.safetensors --out "
      "pair.wav");
  command->callback([options] { decode(*options); });
}

}  // namespace diffverb
