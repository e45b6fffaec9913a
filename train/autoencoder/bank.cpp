#include "train/autoencoder/bank.h"

#include <ATen/Parallel.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/files.h"
#include "core/printed.h"
#include "core/progress.h"
#include "core/seed.h"
#include "train/autoencoder/spectral_sound.h"

namespace diffverb {
namespace {

using at::Tensor;

[[noreturn]] void refuse(const std::string& what) { throw ContractError("bank: " + what); }

void check_options(const BankOptions& o) {
  check_bank_grid(o.sizes, o.latent, o.provenance);
  if (!(o.low < o.high)) refuse("the grid must rise from low to high");
  if (!(o.step >= 0) || !(o.span_db > 0) || !(o.sample_rate_hz > 0))
    refuse("step must not be negative, span_db and sample_rate_hz must be above 0");
  if (o.width && !(std::abs(o.width->width) <= o.high - o.low && o.width->axis >= 0 && o.width->axis < o.latent))
    refuse("the width lies within the grid, along one of its " + std::to_string(o.latent) + " axes");
  if (o.batch < 1) refuse("batch must be at least 1, got " + std::to_string(o.batch));
}

/// [X Y Z, 2, latent]: every point and its right channel's
Tensor points_of(const BankOptions& o, const std::array<std::vector<double>, 3>& axes) {
  const std::int64_t count = o.sizes[0] * o.sizes[1] * o.sizes[2];
  auto points = at::zeros({count, 2, o.latent}, at::kDouble);
  auto* z = points.mutable_data_ptr<double>();
  Random random(o.seed, "bank width");
  for (std::int64_t p = 0; p < count; ++p, z += 2 * o.latent) {
    const auto at = bank_point(o.sizes, p);
    for (std::int64_t c = 0; c < o.latent; ++c) {
      if (c < 3) z[c] = axes[static_cast<std::size_t>(c)][at[static_cast<std::size_t>(c)]];
      z[o.latent + c] = z[c] - o.step * random.normal();
    }
    if (!o.width) continue;
    // The box need not lie around 0.
    const auto axis = static_cast<std::size_t>(o.width->axis);
    const double middle = 0.5 * (o.low + o.high), centred[] = {z[axis] - middle};
    const auto pair = runtime::stereo_points(centred, o.high - middle, {o.width->width, 0});
    std::copy_n(z, o.latent, z + o.latent);
    z[axis] = middle + pair[0][0];
    z[o.latent + static_cast<std::int64_t>(axis)] = middle + pair[1][0];
  }
  return points.to(at::kFloat);
}

/// [B, F, T] of a decoder's answer
Tensor checked_magnitudes(const Tensor& values, const BankOptions& o, std::int64_t rows, std::int64_t first_point) {
  const std::int64_t bins = o.phases.fft_size / 2 + 1;
  const auto flat = values.dim() == 4 && values.size(1) == 1 ? values.squeeze(1) : values;
  if (flat.dim() != 3 || flat.size(0) != rows || flat.size(1) != bins)
    throw ContractError("bank: the decoder must return [" + std::to_string(rows) + ", " + std::to_string(bins) +
                        ", T], got " + at::str(values.sizes()));
  const auto bad = at::isfinite(flat).flatten(1).all(1).logical_not().nonzero();
  if (bad.numel() > 0)
    throw NumericError("bank: the decoder's spectrogram of point " +
                       std::to_string(first_point + bad[0][0].item<std::int64_t>() / 2) + " is not finite");
  return magnitudes_of(flat, o.span_db);
}

/// |correlation| of pairs [P, 2, T] between two frequencies, [P]; 0 where a channel is silent.
Tensor correlation(const Tensor& spectrum, std::int64_t from_bin, std::int64_t to_bin) {
  const auto band = spectrum.slice(2, from_bin, to_bin);
  const auto left = band.select(1, 0), right = band.select(1, 1);
  const auto power = left.abs().square().sum(1) * right.abs().square().sum(1);
  return (left * right.conj()).sum(1).abs() / power.sqrt().clamp_min(1e-30);
}

std::string provenance_of(const BankOptions& o, const Bank& bank) {
  auto text = nlohmann::json::parse(o.provenance);
  const GriffinLimOptions& p = o.phases;
  const bool averaged = p.method == PhaseMethod::kAveragedReflections;
  text["bank"] = {{"span_db", o.span_db},
                  {"seed", o.seed},
                  {"same_level", o.same_level},
                  {"latent", o.latent},
                  {"phases", averaged ? "averaged reflections" : "griffin-lim"},
                  {"iterations", p.iterations},
                  {averaged ? "relaxation" : "momentum", averaged ? p.relaxation : p.momentum},
                  {"averaged_part", averaged ? p.averaged_part : 0},
                  {"fft_size", p.fft_size},
                  {"hop_size", p.hop_size},
                  {"mean_spectral_convergence", bank.mean_convergence},
                  {"worst_spectral_convergence", bank.worst_convergence},
                  {"mean_coherence", bank.coherence},
                  {"mean_coherence_1k", bank.coherence_1k}};
  if (o.width) {
    text["bank"]["width"] = o.width->width;
    text["bank"]["axis"] = o.width->axis + 1;
  } else {
    text["bank"]["step"] = o.step;
  }
  return text.dump();
}

/// Pairs [P, 2, T] to unit energy, the mean of both channels.
void level(Tensor& pairs) {
  const auto energy = pairs.square().sum({1, 2}, true) / 2;
  pairs.div_(at::where(energy > 0, energy, at::ones_like(energy)).sqrt_());
}

}  // namespace

BankOptions published_bank_options() {
  BankOptions options;
  options.span_db = 120;
  options.same_level = false;
  options.phases = GriffinLimOptions();
  return options;
}

void check_bank_grid(const std::array<std::int64_t, 3>& sizes, std::int64_t latent, const std::string& provenance) {
  for (const std::int64_t size : sizes) {
    if (size < 1 || size > 1024) refuse("a grid has 1 to 1024 points a side, got " + std::to_string(size));
  }
  if (latent < 1) refuse("a latent point has at least 1 coordinate, got " + std::to_string(latent));
  for (std::size_t a = static_cast<std::size_t>(std::min<std::int64_t>(latent, 3)); a < 3; ++a) {
    if (sizes[a] != 1)
      refuse("a latent point has " + std::to_string(latent) + " coordinates: the grid's side " + std::to_string(a + 1) +
             " must be 1, got " + std::to_string(sizes[a]));
  }
  if (!nlohmann::json::parse(provenance, nullptr, false).is_object())
    refuse("the provenance must be the text of a JSON object");
}

std::array<std::size_t, 3> bank_point(const std::array<std::int64_t, 3>& sizes, std::int64_t index) {
  const std::int64_t x = index / (sizes[1] * sizes[2]), y = index / sizes[2] % sizes[1], z = index % sizes[2];
  return {static_cast<std::size_t>(x), static_cast<std::size_t>(y), static_cast<std::size_t>(z)};
}

std::vector<double> bank_axis(std::int64_t size, double low, double high) {
  if (size == 1) return {0.5 * (low + high)};
  std::vector<double> axis;
  for (std::int64_t i = 0; i < size; ++i)
    axis.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(size - 1));
  return axis;
}

void add_pairs(Tensor pairs, std::int64_t count, bool same_level, Bank& bank) {
  pairs = pairs.contiguous();
  if (same_level) level(pairs);
  runtime::ResponseBank& r = bank.responses;
  r.samples = static_cast<int>(pairs.size(2));
  if (r.responses.empty()) r.responses.reserve(static_cast<std::size_t>(2 * count * pairs.size(2)));
  const float* data = pairs.const_data_ptr<float>();
  r.responses.insert(r.responses.end(), data, data + pairs.numel());
  const auto spectrum = at::fft_rfft(pairs);
  const auto bin = [&](double hz) {
    return std::min<std::int64_t>(std::llround(hz * static_cast<double>(pairs.size(2)) / r.sample_rate_hz),
                                  spectrum.size(2));
  };
  bank.coherence += correlation(spectrum, 0, spectrum.size(2)).sum().item<double>() / static_cast<double>(count);
  bank.coherence_1k += correlation(spectrum, bin(707.1), bin(1414.2)).sum().item<double>() / static_cast<double>(count);
}

Bank make_bank(const Decoder& decode, const BankOptions& o) {
  check_options(o);
  at::NoGradGuard no_grad;
  Bank bank;
  bank.responses.sample_rate_hz = o.sample_rate_hz;
  for (std::size_t a = 0; a < 3; ++a) bank.responses.axes[a] = bank_axis(o.sizes[a], o.low, o.high);
  const Tensor points = points_of(o, bank.responses.axes);
  const std::int64_t count = points.size(0);
  Progress progress("bank", count);
  for (std::int64_t first = 0; first < count; first += o.batch) {
    const std::int64_t part = std::min(o.batch, count - first), rows = 2 * part;
    const auto values = decode(points.narrow(0, first, part).reshape({rows, o.latent}));
    GriffinLimOptions phases = o.phases;
    phases.seed = o.seed;
    phases.first_row = 2 * first;
    const auto magnitudes = checked_magnitudes(values, o, rows, first);
    const auto found = o.width ? griffin_lim_pairs(magnitudes, phases, o.sample_rate_hz, o.width->width)
                               : griffin_lim(magnitudes, phases);
    auto signal = found.signal.to(at::kCPU);
    // What is drawn has no level: points further apart would otherwise lean to one side by chance.
    if (o.width && o.same_level) signal = signal / signal.square().sum(1, true).clamp_min(1e-30).sqrt();
    add_pairs(signal.reshape({part, 2, -1}), count, o.same_level, bank);
    double sum = 0;
    for (const double convergence : found.convergence) {
      sum += convergence;
      bank.worst_convergence = std::max(bank.worst_convergence, convergence);
    }
    bank.mean_convergence += sum / static_cast<double>(2 * count);
    progress.set_note("convergence " + printed("%.4f", sum / static_cast<double>(rows)));
    progress.update(first + part, std::nan(""));
  }
  progress.finish();
  bank.responses.provenance = provenance_of(o, bank);
  return bank;
}

void write_bank_wavs(const runtime::ResponseBank& bank, const std::filesystem::path& folder) {
  make_folder(folder);
  const std::int64_t points = bank.size(0) * bank.size(1) * bank.size(2);
  at::parallel_for(0, points, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const auto [x, y, z] = bank_point({bank.size(0), bank.size(1), bank.size(2)}, p);
      Audio audio;
      audio.rate_hz = bank.sample_rate_hz;
      for (int c = 0; c < 2; ++c) {
        const auto response = bank.response(static_cast<int>(x), static_cast<int>(y), static_cast<int>(z), c);
        audio.channels.emplace_back(response.begin(), response.end());
      }
      const auto name = std::to_string(x) + "_" + std::to_string(y) + "_" + std::to_string(z) + ".wav";
      write_audio(folder / name, audio);
    }
  });
}

}  // namespace diffverb
