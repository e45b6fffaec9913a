#include "models/filter_matrix.h"

#include <ATen/ops/complex.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {

using Signal = SignalFlow::Signal;

std::vector<std::vector<std::int64_t>> stage_delays(const std::string& kind, std::int64_t lines, std::int64_t stages,
                                                    double gap_samples, std::uint64_t seed) {
  if (kind != "dense" && kind != "velvet") throw ContractError("filter matrix: kind dense or velvet expected");
  const bool sparse = kind == "velvet";
  if (sparse && !(gap_samples >= 1)) throw ContractError("filter matrix: a gap of at least 1 sample expected");
  const double gap = sparse ? gap_samples : 1;
  Random random(seed, "filter_matrix");
  std::vector<std::vector<std::int64_t>> delays;
  double pulse = gap;  // how long the pulses of one stage's line are before the next one's begin
  for (std::int64_t k = 0; k < stages; ++k) {
    std::vector<std::int64_t> bank;
    for (std::int64_t i = 0; i < lines; ++i) {
      const double place = static_cast<double>(i) + (sparse && k == 0 && i > 0 ? random.uniform(0, 0.99) : 0);
      bank.push_back(static_cast<std::int64_t>(std::floor(pulse * place)));
    }
    for (std::int64_t i = lines - 1; i > 0; --i)
      std::swap(bank[static_cast<std::size_t>(i)], bank[static_cast<std::size_t>(random.integer(0, i))]);
    delays.push_back(std::move(bank));
    pulse *= static_cast<double>(lines);
  }
  return delays;
}

std::vector<Signal> add_filter_matrix(SignalFlow& flow, const FilterMatrix& matrix, std::vector<Signal> in,
                                      const std::function<at::Tensor(const at::Tensor& samples)>& filter_of) {
  const std::size_t lines = in.size();
  if (matrix.mixers.size() != matrix.delays.size() + 1)
    throw ContractError("filter matrix: one matrix more than banks of delays expected");
  for (std::size_t k = 0; k < matrix.mixers.size(); ++k) {
    std::vector<Signal> mixed(lines);
    for (std::size_t i = 0; i < lines; ++i) {
      for (std::size_t j = 0; j < lines; ++j)
        mixed[i] = mixed[i] + matrix.mixers[k][static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)] * in[j];
    }
    in = std::move(mixed);
    if (k == matrix.delays.size()) break;
    for (std::size_t i = 0; i < lines; ++i) {
      const auto samples = static_cast<double>(matrix.delays[k][i]);
      if (samples == 0) continue;  // no line: it passes as it is
      in[i] = flow.delay(in[i], samples, filter_of ? filter_of(at::scalar_tensor(samples, at::kDouble)) : at::Tensor());
    }
  }
  return in;
}

at::Tensor response_of(const FilterMatrix& matrix, const at::Tensor& omega_rad) {
  auto product = matrix.mixers[0].to(at::kComplexDouble).unsqueeze(0);
  for (std::size_t k = 0; k < matrix.delays.size(); ++k) {
    const auto angle = -omega_rad.to(at::kDouble).unsqueeze(1) * at::tensor(matrix.delays[k]);  // [K, N]
    const auto turn = at::complex(at::zeros_like(angle), angle).exp();
    product = matrix.mixers[k + 1].to(at::kComplexDouble).matmul(turn.unsqueeze(2) * product);
  }
  return product;
}

}  // namespace diffverb
