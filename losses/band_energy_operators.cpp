#include "losses/band_energy_operators.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_ifft.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>
#include <utility>

namespace diffverb {

BandEnergyOperators::BandEnergyOperators(const BandPlan& plan, at::Device device)
    : fft_size_(plan.fft_size), stretches_(plan.stretches) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < plan.bands.size(); ++i) alike[{plan.bands[i].length, plan.bands[i].hop}].push_back(i);
  std::vector<std::int64_t> order(plan.bands.size());
  std::int64_t next = 0;
  for (const auto& [cut, members] : alike) {
    std::size_t width = 0;
    for (const std::size_t i : members) width = std::max(width, plan.bands[i].response.size());
    const auto rows = static_cast<std::int64_t>(members.size()), columns = static_cast<std::int64_t>(width);
    auto bins = at::zeros({rows, columns}, at::kLong);
    auto response = at::zeros({rows, columns}, at::kComplexFloat);
    auto* bin = bins.data_ptr<std::int64_t>();
    auto* gain = response.data_ptr<c10::complex<float>>();
    for (const std::size_t i : members) {
      const EnvelopeBand& band = plan.bands[i];
      order[i] = next++;
      for (std::size_t k = 0; k < width; ++k, ++bin, ++gain) {
        if (k >= band.response.size()) continue;  // bin 0, times 0
        *bin = band.first_bin + static_cast<std::int64_t>(k);
        *gain = band.response[k];
      }
    }
    groups_.push_back({cut.first, cut.second, bins.flatten().to(device), response.to(device)});
  }
  order_ = at::tensor(order).to(device);
}

at::Tensor BandEnergyOperators::operator()(const at::Tensor& spectrum) const {
  std::vector<at::Tensor> energies;
  for (const Group& g : groups_) {
    const std::int64_t channels = spectrum.size(0), covered = g.hop * stretches_;
    const auto shifted = spectrum.index_select(1, g.bins).reshape({channels, g.response.size(0), -1}) * g.response;
    const auto power = at::view_as_real(at::fft_ifft(shifted, g.length)).square().sum(-1);  // [C, bands, length]
    const auto filled = at::constant_pad_nd(power, {0, std::max<std::int64_t>(covered - g.length, 0)});
    const auto in_stretches =
        filled.slice(2, 0, covered).reshape({channels, g.response.size(0), stretches_, g.hop}).sum(-1);
    const auto rest = filled.slice(2, covered).sum(-1, true);
    const double scale = 2.0 * static_cast<double>(g.length) / static_cast<double>(fft_size_);
    energies.push_back(at::cat({in_stretches, rest}, 2) * scale);
  }
  return at::cat(energies, 1).transpose(0, 1).index_select(0, order_);
}

}  // namespace diffverb
