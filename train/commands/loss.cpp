#include "losses/loss.h"

#include <ATen/ops/fft_rfft.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/acoustics/preparation.h"
#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/log.h"
#include "core/nearest.h"
#include "core/printed.h"
#include "core/tensor.h"
#include "datasets/response_file.h"
#include "train/cli.h"

namespace diffverb {
namespace {

struct LossOptions {
  std::string names;
  std::vector<std::string> set;
  std::string target, other, gradient;
  bool json = false;
};

/// What stands between commas.
std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  std::istringstream text(list);
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  if (list.empty() || list.ends_with(',')) names.emplace_back();  // refused as an unknown loss
  return names;
}

constexpr double kMostOffsetMs = 0.1;

/// Of the channel that begins first.
double onset_s(const Audio& audio) {
  std::size_t first = audio.frames();
  for (const auto& channel : audio.channels)
    first = std::min(first, acoustics::find_onset(acoustics::to_double(channel)));
  return static_cast<double>(first) / audio.rate_hz;
}

/// Both files, of one rate, number of channels and length.
std::pair<Audio, Audio> read_pair(const LossOptions& options) {
  std::pair<Audio, Audio> pair{read_response(options.target), read_response(options.other)};
  auto& [target, other] = pair;
  if (target.rate_hz != other.rate_hz)
    throw DataError(options.other + ": " + printed("%g", other.rate_hz) + " Hz; expected " +
                    printed("%g", target.rate_hz) + " Hz, the rate of " + options.target);
  if (target.channels.size() != other.channels.size())
    throw DataError(options.other + ": " + std::to_string(other.channels.size()) + " channels; expected " +
                    std::to_string(target.channels.size()) + ", as " + options.target + " has");
  const std::size_t frames = std::min(target.frames(), other.frames());
  const auto cut = [&](Audio& audio, const std::string& file) {
    if (audio.frames() == frames) return;
    log().warning(file + ": cut from " + std::to_string(audio.frames()) + " to " + std::to_string(frames) +
                  " samples, as many as the other file has");
    for (auto& channel : audio.channels) channel.resize(frames);
  };
  cut(target, options.target);
  cut(other, options.other);
  if (const double late_ms = 1000 * (onset_s(other) - onset_s(target)); std::abs(late_ms) > kMostOffsetMs)
    log().warning(options.other + ": begins " + printed("%.3g", std::abs(late_ms)) + " ms " +
                  (late_ms > 0 ? "after " : "before ") + options.target +
                  ", and they are compared as they stand; the target.wav of a run is aligned with its ir.wav");
  return pair;
}

/// A sound as the losses read it, its spectrum beside it.
Response response_of(const at::Tensor& ir, double rate_hz) {
  Response response(ir, rate_hz);
  response.set_transfer_function(at::fft_rfft(ir).unsqueeze(2));  // [1, C, 1, F]
  return response;
}

struct Measured {
  double value = 0;
  at::Tensor gradient;  // [1, C, T]; undefined where none was asked for
};

Measured measure(const std::string& name, const LossOptions& options, const at::Tensor& target, const at::Tensor& other,
                 double rate_hz) {
  Fields fields = Fields::from_text("{}", "--set", options.set);
  const auto loss = family<Loss>().make(name, fields);
  const bool with_gradient = !options.gradient.empty();
  const auto ir = other.detach().set_requires_grad(with_gradient);
  Measured out;
  try {
    loss->prepare(response_of(target, rate_hz));
    const auto value = loss->evaluate(response_of(ir, rate_hz));
    out.value = value.item<double>();
    if (!std::isfinite(out.value))
      throw NumericError("loss " + name + ": is " + printed("%g", out.value) + " between " + options.target + " and " +
                         options.other);
    if (!with_gradient) return out;
    if (value.requires_grad()) out.gradient = torch::autograd::grad({value}, {ir}, {}, std::nullopt, false, true)[0];
  } catch (const ContractError& refused) {
    throw DataError(options.target + " and " + options.other + ": " + refused.what());
  }
  if (!out.gradient.defined()) throw DataError("loss " + name + ": does not depend on a sound, so it has no gradient");
  return out;
}

void write_gradient(const at::Tensor& gradient, double rate_hz, const std::string& file) {
  const auto rows = gradient[0].to(at::kFloat).contiguous();
  Audio audio{rate_hz, {}};
  for (std::int64_t c = 0; c < rows.size(0); ++c) {
    const float* row = rows.const_data_ptr<float>() + c * rows.size(1);
    audio.channels.emplace_back(row, row + rows.size(1));
  }
  write_audio(file, audio);
}

void loss(const LossOptions& options) {
  const std::vector<std::string> names = names_in(options.names);
  if (names.size() > 1 && !(options.gradient.empty() && options.set.empty()))
    throw ConfigError("loss: --grad and --set take one loss, got " + std::to_string(names.size()));
  for (const std::string& name : names) {
    if (!family<Loss>().has(name))
      throw ConfigError("loss: unknown loss '" + name + "'" + known_names_hint(name, family<Loss>().names()));
  }
  const auto [target, other] = read_pair(options);
  const auto wanted = channels_of(target).unsqueeze(0), found = channels_of(other).unsqueeze(0);  // [1, C, T]
  auto json = nlohmann::ordered_json{{"target", options.target},
                                     {"other", options.other},
                                     {"rate_hz", target.rate_hz},
                                     {"samples", target.frames()},
                                     {"losses", nlohmann::ordered_json::array()}};
  for (const std::string& name : names) {
    const Measured measured = measure(name, options, wanted, found, target.rate_hz);
    nlohmann::ordered_json one{{"name", name}, {"value", measured.value}};
    if (!options.json) std::printf("%-16s %.9g\n", name.c_str(), measured.value);
    if (measured.gradient.defined()) {
      write_gradient(measured.gradient, target.rate_hz, options.gradient);
      one["gradient"] = options.gradient;
      one["gradient_norm"] = measured.gradient.norm().item<double>();
      if (!options.json)
        std::printf("%s: its gradient with respect to %s, norm %.6g\n", options.gradient.c_str(), options.other.c_str(),
                    one["gradient_norm"].get<double>());
    }
    json["losses"].push_back(one);
  }
  if (options.json) std::cout << json.dump(2) << "\n";
}

}  // namespace

void add_loss_command(Command& app, Context&) {
  auto options = std::make_shared<LossOptions>();
  Command* command = app.add_subcommand("loss", "The value of a loss between two sound files, and its gradient");
  command->add_option("names", options->names, "one of diffverb list losses, or several with commas between them")
      ->required();
  command->add_option("target", options->target, "what it should be (WAV, FLAC, SOFA, ...)")->required();
  command->add_option("other", options->other, "what it is: of the same rate and number of channels")->required();
  command->add_option("--grad", options->gradient, "write the gradient with respect to OTHER as a 32-bit float WAV");
  command->add_option("--set", options->set, "key=value of the loss; may stand several times")->take_all();
  command->add_flag("--json", options->json, "JSON on stdout");
  command->footer(
      "Computed in float64 (edc in float32). Files of unequal length are cut to the shorter one, and that is said.\n\n"
      "Examples:\n  diffverb loss mr_stft room.wav fit/ir.wav\n  diffverb loss t60,clarity,edr room.wav fit/ir.wav "
      "--json\n"
      "  diffverb loss masked room.wav fit/ir.wav --grad gradient.wav --set forward_ms=100");
  command->callback([options] { loss(*options); });
}

}  // namespace diffverb
