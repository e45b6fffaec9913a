#include "core/solvers/time_loops.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

#include "core/network/loops.h"
#include "core/solvers/time_tensors.h"

namespace diffverb {
namespace {

/// Blocks of this many samples are worth their overhead.
constexpr double kLongEnough = 32;

std::vector<std::vector<int>> groups_of(const DelayNetwork& n) {
  const auto a = n.a.detach().to(at::kDouble).contiguous();
  return loops_of(a.const_data_ptr<double>(), static_cast<int>(n.lines()));
}

/// What some lines put out of what goes into them from elsewhere, [n, T] each.
at::Tensor play(const at::Tensor& a, const at::Tensor& sos, const at::Tensor& delays, const at::Tensor& input) {
  const auto each = at::eye(a.size(0), a.options());
  const TimeTensors t{a.contiguous(),
                      each,
                      each,
                      at::zeros(each.sizes(), each.options()),
                      sos.contiguous(),
                      sounding_delays(delays, input.size(1)),
                      input.contiguous()};
  return time_forward_on_cpu(t).output;
}

/// A line that does not hear itself.
at::Tensor pass(const DelayNetwork& n, std::int64_t line, const at::Tensor& input) {
  auto out = input;
  if (n.sections() > 0) {
    const auto no_delay = at::zeros({1}, at::kDouble), no_loop = at::zeros({1, 1}, n.a.options());
    out = play(no_loop, n.line_sos.narrow(0, line, 1), no_delay, input);
  }
  const std::int64_t samples = input.size(1);
  const auto delay = std::min(samples, static_cast<std::int64_t>(n.delays[line].item<double>()));
  return at::constant_pad_nd(out.narrow(1, 0, samples - delay), {delay, 0});
}

}  // namespace

bool loops_are_quicker(const DelayNetwork& n) {
  const auto sounding = n.delays.masked_fill(n.delays.eq(0), kLongEnough);
  if (n.lines() < 2 || sounding.min().item<double>() >= kLongEnough) return false;
  return groups_of(n).size() > 1;
}

at::Tensor play_by_loops(const DelayNetwork& n, const at::Tensor& input) {
  const at::NoGradGuard no_grad;
  auto lines = at::zeros({n.lines(), input.size(1)}, input.options());
  for (const std::vector<int>& group : groups_of(n)) {
    const auto members = at::tensor(std::vector<std::int64_t>(group.begin(), group.end()));
    const auto row = n.a.index_select(0, members);
    auto heard = n.b.index_select(0, members).mm(input);
    const auto from = row.ne(0).any(0).nonzero().squeeze(1);  // the group itself is silent as yet
    if (from.numel() > 0) heard = heard + row.index_select(1, from).mm(lines.index_select(0, from));
    const auto own = row.index_select(1, members);
    const bool is_loop = group.size() > 1 || own.item<double>() != 0;
    lines.index_copy_(0, members,
                      is_loop ? play(own, n.line_sos.index_select(0, members), n.delays.index_select(0, members), heard)
                              : pass(n, group[0], heard));
  }
  return n.c.mm(lines) + n.d.mm(input);
}

}  // namespace diffverb
