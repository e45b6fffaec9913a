#include <ATen/ops/arange.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/solvers/solvers.h"

namespace diffverb {

at::Tensor impulse_response(const DelayNetwork& network, std::int64_t samples) {
  network.check();
  if (samples < 1)
    throw ContractError("impulse_response: " + std::to_string(samples) + " samples, expected at least 1");
  std::vector<at::Tensor> responses;
  for (std::int64_t i = 0; i < network.inputs(); ++i) {
    auto input = at::zeros({network.inputs(), samples}, network.a.options().requires_grad(false));
    input[i][0].fill_(1);
    responses.push_back(time_response(network, input));
  }
  return at::stack(responses, 1);
}

at::Tensor impulse_response_by_fft(const DelayNetwork& network, std::int64_t fft_size, double alias_decay_db) {
  if (fft_size < 2)
    throw ContractError("impulse_response_by_fft: fft_size is " + std::to_string(fft_size) + ", expected at least 2");
  if (!(alias_decay_db >= 0)) throw ContractError("impulse_response_by_fft: alias_decay_db must not be negative");
  if (network.delays.numel() > 0 && network.delays.detach().max().item<double>() > static_cast<double>(fft_size)) {
    throw ContractError("impulse_response_by_fft: a delay is longer than fft_size, " + std::to_string(fft_size) +
                        " samples: its echo would come before its time");
  }
  const auto options = network.a.options().dtype(at::kDouble).requires_grad(false);
  const auto size = static_cast<double>(fft_size);
  const auto omega = at::arange(fft_size / 2 + 1, options) * (2 * std::numbers::pi / size);
  const double radius = std::pow(10.0, alias_decay_db / 20 / size);
  const auto response = at::fft_irfft(frequency_response(network, omega, radius), fft_size);
  if (alias_decay_db == 0) return response;
  return response * at::pow(radius, at::arange(fft_size, options)).to(response.scalar_type());
}

}  // namespace diffverb
