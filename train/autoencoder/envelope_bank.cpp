#include "train/autoencoder/envelope_bank.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/error.h"
#include "core/progress.h"
#include "core/resample.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr std::int64_t kBatch = 16;  // points at a time, between two lines of progress
constexpr double kFadedPart = 0.1;

void check_options(const runtime::EnvelopeDecoderWeights& weights, const EnvelopeBankOptions& o) {
  const auto refuse = [](const std::string& what) { throw ContractError("bank: " + what); };
  if (weights.latent() > 3) refuse("a grid has three axes, got " + std::to_string(weights.latent()) + " latents");
  check_bank_grid(o.sizes, weights.latent(), o.provenance);
  if (!(std::abs(o.width.width) <= 2 * weights.latent_bound) || o.width.axis < 0 || o.width.axis >= weights.latent())
    refuse("the width lies within the grid, along one of its " + std::to_string(weights.latent()) + " axes");
  if (!(o.seconds > 0 && o.seconds <= 60)) refuse("seconds must be within 0 to 60");
  if (o.rate_hz != 0 && !(o.rate_hz >= kLeastRateHz && o.rate_hz <= 1e6)) refuse("rate_hz must be within 8000 to 1e6");
}

void fade_out(std::vector<float>& x) {
  const auto length = static_cast<std::size_t>(kFadedPart * static_cast<double>(x.size()));
  for (std::size_t n = 0; n < length; ++n)
    x[x.size() - 1 - n] *= static_cast<float>(
        0.5 - 0.5 * std::cos(std::numbers::pi * static_cast<double>(n) / static_cast<double>(length)));
}

/// [P, 2, T] of points `first` to `last` - 1, in the grid's order
at::Tensor pairs_of(const runtime::EnvelopeDecoder& decoder, const Bank& bank, const EnvelopeBankOptions& o,
                    std::int64_t first, std::int64_t last) {
  const double own_rate = decoder.weights().sample_rate_hz;
  const auto& axes = bank.responses.axes;
  const auto samples = std::llround(o.seconds * bank.responses.sample_rate_hz);
  auto out = at::zeros({last - first, 2, samples}, at::kFloat);
  float* to = out.mutable_data_ptr<float>();
  at::parallel_for(first, last, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const auto at = bank_point(o.sizes, p);
      std::vector<double> point;
      for (std::size_t c = 0; c < static_cast<std::size_t>(decoder.weights().latent()); ++c)
        point.push_back(axes[c][at[c]]);
      auto pair = decoder.decode_pair(point, o.width, {.seconds = o.seconds});
      for (auto& channel : pair) fade_out(channel);
      Audio audio{own_rate, {std::move(pair[0]), std::move(pair[1])}};
      if (bank.responses.sample_rate_hz != own_rate) audio = resample(audio, bank.responses.sample_rate_hz);
      for (std::int64_t c = 0; c < 2; ++c) {
        auto& channel = audio.channels[static_cast<std::size_t>(c)];
        channel.resize(static_cast<std::size_t>(samples), 0.0f);
        std::copy(channel.begin(), channel.end(), to + (2 * (p - first) + c) * samples);
      }
    }
  });
  return out;
}

std::string provenance_of(const EnvelopeBankOptions& o, const Bank& bank) {
  auto text = nlohmann::json::parse(o.provenance);
  text["bank"] = {
      {"width", o.width.width},     {"axis", o.width.axis + 1},         {"seconds", o.seconds},
      {"same_level", o.same_level}, {"mean_coherence", bank.coherence}, {"mean_coherence_1k", bank.coherence_1k}};
  return text.dump();
}

}  // namespace

Bank make_envelope_bank(const runtime::EnvelopeDecoder& decoder, const EnvelopeBankOptions& o) {
  const runtime::EnvelopeDecoderWeights& weights = decoder.weights();
  check_options(weights, o);
  Bank bank;
  bank.responses.sample_rate_hz = o.rate_hz > 0 ? o.rate_hz : weights.sample_rate_hz;
  for (std::size_t a = 0; a < 3; ++a)
    bank.responses.axes[a] = bank_axis(o.sizes[a], -weights.latent_bound, weights.latent_bound);
  const std::int64_t count = o.sizes[0] * o.sizes[1] * o.sizes[2];
  Progress progress("bank", count);
  for (std::int64_t first = 0; first < count; first += kBatch) {
    const std::int64_t last = std::min(count, first + kBatch);
    add_pairs(pairs_of(decoder, bank, o, first, last), count, o.same_level, bank);
    progress.update(last, std::nan(""));
  }
  progress.finish();
  bank.responses.provenance = provenance_of(o, bank);
  return bank;
}

}  // namespace diffverb
