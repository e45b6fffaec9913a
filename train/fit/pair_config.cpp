#include "train/fit/pair_config.h"

#include "core/device/device.h"
#include "core/error.h"
#include "core/fields.h"
#include "core/printed.h"
#include "train/fit/pair_fit.h"

namespace diffverb {
namespace {

constexpr const char* kPairBuiltIn = "configs/pair_fit.yaml (built in)";
constexpr const char* kPairDevice = "cpu";

/// A config that describes a model alone (configs/reverbs) is fitted with what pair_fit.yaml says of the rest.
Fields open_pair_config(const FitOptions& options, const std::vector<std::string>& overlays) {
  if (options.config.empty()) return Fields::from_text(default_pair_config(), kPairBuiltIn, overlays);
  return Fields::from_file(options.config, overlays,
                           {default_pair_config(), kPairBuiltIn, {"pair", "losses", "response_losses", "train"}});
}

PairSettings read_settings(Fields& fields) {
  PairSettings settings;
  Fields pair = fields.map("pair");
  pair.optional("held_back", settings.held_back, between(0.05, 0.9), "share of the pair");
  pair.optional("excerpt_s", settings.excerpt_s, between(0.05, 60), "s");
  pair.optional("run_in_s", settings.run_in_s, between(0, 60), "s");
  pair.optional("response_s", settings.response_s, between(0.05, 30), "s");
  pair.optional("lead_samples", settings.lead_samples, between(0, 4096), "samples");
  return settings;
}

/// Channels and rate of the pair, for a model that reads such keys and was given none.
void add_shape(Fields& fields, const MeasuredPair& pair, std::vector<std::string>& overlays) {
  Fields model = fields.map("model");
  std::string type;
  model.required("type", type);
  if (!family<Model>().has(type)) return;  // told when it is made
  const auto keys = family<Model>().keys(type);
  const auto add = [&](const std::string& key, const std::string& value) {
    for (const KeyInfo& known : keys) {
      if (known.key == key && !model.has(key)) overlays.push_back("model." + key + "=" + value);
    }
  };
  add("inputs", std::to_string(pair.dry.size(0)));
  add("outputs", std::to_string(pair.wet.size(0)));
  add("sample_rate_hz", printed("%.10g", pair.sample_rate_hz));
}

}  // namespace

PairSettings read_pair_settings(const FitOptions& options) {
  Fields fields = open_pair_config(options, options.overlays);
  return read_settings(fields);
}

PairConfig read_pair_config(const FitOptions& options, const MeasuredPair& pair) {
  Fields first = open_pair_config(options, options.overlays);
  std::string word = kPairDevice;
  first.choice("device", word, device_words());
  const DeviceWord device = resolve_device(word);
  std::vector<std::string> overlays = options.overlays;
  if (!device.why.empty()) overlays.push_back("device=" + device.word);  // what was chosen is what comes again
  add_shape(first, pair, overlays);

  Fields fields = open_pair_config(options, overlays);
  PairConfig config;
  config.why_device = device.why;
  fields.optional("seed", config.seed);
  fields.choice("device", config.device, device_words());
  fields.optional("threads", config.threads, between(1, 256));
  config.pair = read_settings(fields);
  Fields model = fields.map("model"), train = fields.map("train");
  config.model = std::make_unique<PairModel>(model);
  config.losses = read_losses(fields, "losses");
  if (config.losses.empty()) fields.fail("losses", "at least one loss is needed");
  config.response_losses = read_losses(fields, "response_losses");
  config.trainer = std::make_unique<Trainer>(train, Trainer::Kind::kDataset);
  fields.finish();
  config.resolved = fields.resolved_yaml();
  return config;
}

}  // namespace diffverb
