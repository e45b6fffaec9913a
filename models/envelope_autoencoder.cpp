#include "models/envelope_autoencoder.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log10.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "core/device/precision.h"
#include "core/error.h"
#include "models/envelope/layout.h"

namespace diffverb {
namespace {

constexpr double kStretchShare = 0.12;  // of the time since the onset that a stretch of the map covers

/// Stretches of the encoder's map: single cells first, then longer and longer. [NT, G] of 0 and 1.
at::Tensor make_groups() {
  const EnvelopeLayout& layout = envelope_layout();
  std::vector<int> group_of;
  int group = 0;
  for (int cell = 0, begin = 0; cell < layout.cells(); ++cell) {
    const double start = layout.times_s[begin];
    if (cell > begin && layout.times_s[cell] - start >= std::max(kUniformCellSeconds, kStretchShare * start) - 1e-9) {
      ++group;
      begin = cell;
    }
    group_of.push_back(group);
  }
  auto out = at::zeros({layout.cells(), group + 1}, at::kFloat);
  for (int cell = 0; cell < layout.cells(); ++cell) out[cell][group_of[cell]] = 1;
  return out;
}

/// A number for the samples' content; equal responses of a data set come again every epoch.
std::uint64_t content_hash(const at::Tensor& samples) {
  const auto flat = samples.contiguous();
  const auto* data = reinterpret_cast<const std::uint32_t*>(flat.const_data_ptr<float>());
  std::uint64_t hash = 1469598103934665603ull ^ static_cast<std::uint64_t>(flat.numel());
  for (std::int64_t i = 0; i < flat.numel(); ++i) hash = (hash ^ data[i]) * 1099511628211ull;
  return hash;
}

at::Tensor normals(Random& random, at::IntArrayRef shape) {
  auto out = at::empty(shape, at::kFloat);
  float* to = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) to[i] = static_cast<float>(random.normal());
  return out;
}

}  // namespace

EnvelopeAutoencoder::EnvelopeAutoencoder(Fields& fields) {
  fields.optional("latent", latent_, between(1, 1024));
  fields.optional("width", width_, between(8, 8192));
  fields.optional("blocks", blocks_, between(0, 16));
  fields.optional("onset_samples", onset_samples_, between(0, 48000), "samples");
  fields.optional("latent_noise", latent_noise_, between(0, 1));
  fields.optional("vary_share", variation_.share, between(0, 1));
  fields.optional("vary_gain_db", variation_.gain_db, between(0, 30), "dB");
  fields.optional("vary_slope_db_per_s", variation_.slope_db_per_s, between(0, 400), "dB/s");
  fields.optional("vary_decay", variation_.decay, between(0, 1));
  fields.optional("vary_early_db", variation_.early_db, between(0, 30), "dB");
  fields.optional("floor_share", variation_.floor_share, between(0, 1));
  fields.optional("cache", cache_, between(0, 1e7), "responses");
  fields.optional("seed", seed_);
  if (fields.is_recording()) return;
  groups_ = make_groups();
  const std::int64_t bands = envelope_layout().bands(), stretches = groups_.size(1);
  encoder_ = std::make_unique<DenseNetwork>(bands * stretches + stretches + bands, width_, blocks_, latent_);
  decoder_ = std::make_unique<DenseNetwork>(latent_, width_, blocks_, EnvelopeParameters::count() * bands);
  Random random(seed_, "envelope_autoencoder");
  encoder_->reset(random, 1);
  decoder_->reset(random, 0.3);
}

std::map<std::string, at::Tensor> EnvelopeAutoencoder::parameters() const {
  std::map<std::string, at::Tensor> out;
  encoder_->add_parameters("encoder.", out);
  decoder_->add_parameters("decoder.", out);
  return out;
}

const EnvelopeOperators& EnvelopeAutoencoder::maps(at::Device device) const {
  const std::string name = device.str();
  auto found = maps_.find(name);
  if (found == maps_.end()) found = maps_.emplace(name, envelope_operators().to(device)).first;
  return found->second;
}

EnvelopeBatch EnvelopeAutoencoder::analyze(const at::Tensor& ir) const {
  std::vector<at::Tensor> energies, powers, bands, cells;
  for (std::int64_t b = 0; b < ir.size(0); ++b) {
    const auto samples = ir.slice(0, b, b + 1).to(at::kCPU, at::kFloat);
    const std::uint64_t key = content_hash(samples);
    auto found = analyzed_.find(key);
    if (found == analyzed_.end()) {
      const EnvelopeAnalysis result = analyze_envelope(samples, onset_samples_);
      if (static_cast<std::int64_t>(analyzed_.size()) >= cache_) analyzed_.clear();
      found = analyzed_.emplace(key, EnvelopeBatch{result.energy, result.power, result.known_bands, result.known_cells})
                  .first;
    }
    energies.push_back(found->second.energy);
    powers.push_back(found->second.power);
    bands.push_back(found->second.known_bands);
    cells.push_back(found->second.known_cells);
  }
  return {at::cat(energies), at::cat(powers), at::cat(bands), at::cat(cells)};
}

void EnvelopeAutoencoder::set_features(const EnvelopeBatch& batch, Response& target) const {
  const auto device = target.ir().device();
  const EnvelopeOperators& operators = maps(device);
  const auto energy = batch.energy.to(device), power = batch.power.to(device);
  const auto bands = batch.known_bands.to(device).unsqueeze(-1).to(at::kFloat);  // [B, K, 1]
  const auto cells = batch.known_cells.to(device).unsqueeze(-1).unsqueeze(-1);   // [B, 1, 1]
  const auto reached = (at::arange(energy.size(2), cells.options()) < cells).to(at::kFloat);
  const auto known = bands * reached;
  target.set("band_energy", energy * known);
  target.set("band_known", known);
  target.set("octave_energy", operators.octaves.matmul(energy * known));
  const auto whole = operators.octaves.matmul(bands) > 0.5 * operators.octaves.sum(1, true);  // [B, O, 1]
  target.set("octave_known", whole.to(at::kFloat) * reached);
  target.set("third_octave_power", power);
  std::vector<float> ends;
  for (const double t : envelope_layout().times_s) ends.push_back(static_cast<float>(t));
  const auto last = at::tensor(ends).to(device).index_select(0, cells.reshape({-1})) * (kDistanceRateHz / kDistanceHop);
  const auto frames = at::arange(kDistanceFrames, operators.cell_s.options());
  target.set("frame_known", (frames < last.floor().unsqueeze(-1) + 1).to(at::kFloat));
  target.set("cell_s", operators.cell_s);
}

void EnvelopeAutoencoder::add_features(Response& target) const {
  const at::Tensor& ir = target.ir();
  if (ir.size(1) != 1 || target.sample_rate_hz() != kEnvelopeRateHz) {
    std::ostringstream message;
    message << "envelope_autoencoder: expected one channel at " << kEnvelopeRateHz << " Hz, got " << ir.sizes()
            << " at " << target.sample_rate_hz() << " Hz";
    throw ContractError(message.str());
  }
  const at::NoGradGuard guard;
  EnvelopeBatch batch = analyze(ir.squeeze(1));
  if (training_) {
    batch.known_bands = batch.known_bands.clone();
    batch.known_cells = batch.known_cells.clone();
    EnvelopeVariation variation = variation_;
    variation.seed = seed_of_step_;
    vary_envelopes(batch, variation);
  }
  set_features(batch, target);
  if (training_ && latent_noise_ > 0) {  // drawn here: forward() may be recorded once and repeated
    Random random(seed_of_step_, "latent");
    target.set("latent_noise", latent_noise_ * normals(random, {ir.size(0), latent_}).to(ir.device()));
  }
}

at::Tensor EnvelopeAutoencoder::encode(const Response& target) const {
  return kLatentBound * (encoder_->forward(map_of(target)) / kLatentBound).tanh();
}

at::Tensor EnvelopeAutoencoder::map_of(const Response& target) const {
  const FullPrecision guard;
  const at::Tensor &energy = target.get("band_energy"), &known = target.get("band_known");
  if (groups_.device() != energy.device()) groups_ = groups_.to(energy.device());
  const at::Tensor& groups = groups_;
  const auto seconds = target.get("cell_s").unsqueeze(0).matmul(groups);
  const auto level = (10 * at::log10(energy.matmul(groups) / seconds + 1e-10) / 20 + 1).clamp(-4, 4);
  const auto share = known.matmul(groups) / groups.sum(0);  // of a stretch that is known
  const auto counts = (share >= 0.5).to(level.scalar_type());
  const auto bands = std::get<0>(known.max(2));
  return at::cat({(level * counts).flatten(1), counts.mean(1), bands}, 1);
}

EnvelopeParameters EnvelopeAutoencoder::decode(const at::Tensor& latent) const {
  return EnvelopeParameters::from_outputs(decoder_->forward(latent));
}

Response EnvelopeAutoencoder::predict(const EnvelopeParameters& parameters, const Response& target) const {
  const FullPrecision guard;
  const EnvelopeOperators& operators = maps(parameters.level_db.device());
  const auto known = target.get("band_known"), bands = std::get<0>(known.max(2));
  const auto direct = direct_energy(parameters) * bands;
  const auto energy = cell_energy(operators, parameters) * bands.unsqueeze(-1);
  const auto measured = predict_energy(operators, direct, energy) * known;
  Response out(target.ir(), target.sample_rate_hz());
  out.set("band_energy", measured);
  out.set("octave_energy", operators.octaves.matmul(measured));
  out.set("third_octave_power", predict_power(operators, direct, energy));
  return out;
}

void EnvelopeAutoencoder::scale(Response& predicted, const at::Tensor& energy, const at::Tensor& power) const {
  const auto scaled = predicted.get("band_energy") * energy;
  predicted.set("band_energy", scaled);
  predicted.set("octave_energy", maps(scaled.device()).octaves.matmul(scaled));
  predicted.set("third_octave_power", predicted.get("third_octave_power") * power);
}

Response EnvelopeAutoencoder::forward(const Response& target) {
  auto latent = encode(target);
  if (training_ && target.has("latent_noise")) latent = latent + target.get("latent_noise");
  Response out = predict(decode(latent), target);
  out.set("latent", latent);
  return out;
}

DIFFVERB_PART(models, envelope_autoencoder, EnvelopeAutoencoder,
              "Autoencoder of energy by band and time: direct sound, decays, early energy; played as shaped noise",
              "Steinmetz et al. 2021; Lin et al. 2024")

}  // namespace diffverb
