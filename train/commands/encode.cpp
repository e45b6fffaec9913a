#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/acoustics/analysis.h"
#include "core/acoustics/validate.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "datasets/response_file.h"
#include "datasets/usable_response.h"
#include "train/autoencoder/encoded_room.h"
#include "train/autoencoder/room_coder.h"
#include "train/cli.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct EncodeArguments {
  std::string input, model, out;
  bool overwrite = false;
};

void encode(const EncodeArguments& options) {
  const fs::path folder =
      options.out.empty() ? fs::path(fs::path(options.input).stem().string() + "_encoded") : fs::path(options.out);
  if (fs::exists(folder) && !options.overwrite)
    throw ConfigError(folder.string() + ": exists; choose another --out, or --overwrite");
  const std::unique_ptr<RoomCoder> coder = RoomCoder::open(options.model);
  const Audio response = read_response(options.input);
  check_response(response, options.input);
  for (std::size_t c = 0; c < response.channels.size(); ++c) {
    if (const auto problem =
            acoustics::check_decay(acoustics::to_double(response.channels[c]), response.rate_hz).missing)
      log().warning(options.input + ": channel " + std::to_string(c + 1) + ": " + *problem +
                    "; it is encoded as it is");
  }
  const EncodedRoom room = [&] {
    try {
      return coder->encode(response);
    } catch (const DataError& error) {
      throw DataError(options.input + ": " + error.what());
    }
  }();
  const Audio decoded = coder->decode(room);
  make_folder(folder);
  write_file_atomically(folder / "latent.json", encoded_room_json(room, options.input, options.model).dump(2) + "\n");
  write_audio(folder / "ir.wav", decoded);
  std::cout << (folder / "latent.json").string() << "   the latent point of each channel\n"
            << (folder / "ir.wav").string() << "        what it decodes to\n";
}

}  // namespace

void add_encode_command(Command& app, Context&) {
  auto options = std::make_shared<EncodeArguments>();
  Command* command = app.add_subcommand("encode", "The latent point of a measured response, and the sound of it");
  command->add_option("file", options->input, "impulse response (WAV, FLAC, SOFA, ...)")->required();
  command
      ->add_option("--model", options->model,
                   "exported autoencoder (.safetensors), or a run or model file of diffverb train")
      ->required();
  command->add_option("--out", options->out, "folder for latent.json and ir.wav (default NAME_encoded)");
  command->add_flag("--overwrite", options->overwrite, "write into a folder that exists");
  command->footer(
      "Examples:\n"
      "  diffverb encode room.wav --model autoencoder.safetensors --out room\n"
      "  diffverb encode brirs.sofa#3 --model autoencoder_3.safetensors");
  command->callback([options] { encode(*options); });
}

}  // namespace diffverb
