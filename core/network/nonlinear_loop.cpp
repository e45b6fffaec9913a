#include "core/network/nonlinear_loop.h"

#include <cmath>
#include <string>

#include "core/error.h"
#include "core/filters/absolute_sum.h"
#include "core/network/filter_lines.h"

namespace diffverb {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw ContractError("nonlinear loop: " + what); }

void require(const char* name, const at::Tensor& tensor, at::IntArrayRef sizes, at::ScalarType type) {
  std::string expected;
  for (const auto size : sizes) expected += (expected.empty() ? "" : ", ") + std::to_string(size);
  if (!tensor.defined()) refuse(std::string(name) + " is missing, expected [" + expected + "]");
  if (tensor.sizes() != sizes || tensor.scalar_type() != type)
    refuse(std::string(name) + " must be [" + expected + "] of type " + toString(type));
  if (!tensor.isfinite().all().item<bool>()) refuse(std::string(name) + " has an entry that is not finite");
}

/// Contiguous, in float64, on the CPU.
at::Tensor here(const at::Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kDouble).contiguous(); }

double weighted(const at::Tensor& row, const std::vector<double>& values) {
  double sum = 0;
  for (std::size_t k = 0; k < values.size(); ++k)
    sum += std::abs(row[static_cast<std::int64_t>(k)].item<double>()) * values[k];
  return sum;
}

}  // namespace

void NonlinearLoop::check(const DelayNetwork& network, std::int64_t samples) const {
  const std::int64_t n = network.lines(), rank = out.defined() && out.dim() == 2 ? out.size(1) : 0;
  const auto type = network.a.scalar_type();
  require("square", square, {n}, type);
  require("out", out, {n, rank}, type);
  require("left", left, {rank, n}, type);
  require("right", right, {rank, n}, type);
  require("limit", limit, {}, at::kDouble);
  require("drive", drive, {samples}, at::kDouble);
  require("slope", slope, {}, at::kDouble);
  if (!(limit.item<double>() > 0)) refuse("limit is " + std::to_string(limit.item<double>()) + ", expected above 0");
  if (!(std::isfinite(alpha_min) && alpha_min <= alpha_max && std::isfinite(alpha_max)))
    refuse("alpha_min and alpha_max must be finite and in this order");
  if (!(reference > 0) || !(time_s > 0)) refuse("reference and time_s must be above 0");
  const auto filters = network.delays.detach().eq(0).to(square.device());
  if (!filters.any().item<bool>()) return;
  const auto taken =
      square.detach().abs() + out.detach().abs().sum(1) + left.detach().abs().sum(0) + right.detach().abs().sum(0);
  if (taken.masked_select(filters).ne(0).any().item<bool>())
    refuse("lines without delay are filters and take no part: their entries of square, out, left and right must be 0");
}

LoopBound output_bound(const DelayNetwork& network, const NonlinearLoop& loop, double peak) {
  if (!loop.saturates) refuse("without saturation nothing bounds the loop");
  const auto a = here(network.a), b = here(network.b), c = here(network.c), d = here(network.d);
  const auto delays = here(network.delays), sos = here(network.line_sos);
  const int n = static_cast<int>(network.lines()), sections = static_cast<int>(network.sections());
  const double limit = loop.limit.item<double>();
  const std::vector<double> peaks(static_cast<std::size_t>(network.inputs()), peak);
  std::vector<double> sums;
  for (int j = 0; j < n; ++j) sums.push_back(absolute_sum(sos.const_data_ptr<double>() + 5 * sections * j, sections));
  LoopBound bound;
  const auto is_filter = without_delay(delays.const_data_ptr<double>(), n);
  for (int j = 0; j < n; ++j) bound.lines.push_back(is_filter[j] ? 0 : limit * sums[j]);
  for (const int z : filter_lines_of(a.const_data_ptr<double>(), 1, is_filter).order)
    bound.lines[z] = sums[z] * (weighted(a[z], bound.lines) + weighted(b[z], peaks));
  for (std::int64_t o = 0; o < network.outputs(); ++o)
    bound.outputs.push_back(weighted(c[o], bound.lines) + weighted(d[o], peaks));
  return bound;
}

}  // namespace diffverb
