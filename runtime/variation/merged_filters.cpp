#include "runtime/variation/merged_filters.h"

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

#include "runtime/network_plan.h"

namespace diffverb::runtime {
namespace {

constexpr double kAlike = 1e-4;  // of a row's norm: what single precision makes of equal ones

/// The only line that takes from `line`, where there is one and no output does.
std::optional<int> only_listener(const DelayNetworkWeights& w, int line) {
  const auto n = static_cast<std::size_t>(w.lines), j = static_cast<std::size_t>(line);
  for (std::size_t i = j; i < w.C.size(); i += n) {
    if (w.C[i] != 0) return {};
  }
  std::optional<int> listener;
  for (std::size_t i = 0; i < n; ++i) {
    if (w.A[i * n + j] == 0) continue;
    if (listener) return {};
    listener = static_cast<int>(i);
  }
  return listener;
}

/// Sums over two rows of what they take, without line `except`: a b and a a.
struct Products {
  double both = 0, squares = 0;
  void add(std::span<const float> a, std::span<const float> b, std::size_t except) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (i == except) continue;
      both += static_cast<double>(a[i]) * b[i], squares += static_cast<double>(a[i]) * a[i];
    }
  }
};

/// c, where what `listener` takes beside `line` is c times what `line` takes.
std::optional<double> share_of(const DelayNetworkWeights& w, int line, int listener) {
  const auto n = static_cast<std::size_t>(w.lines), inputs = static_cast<std::size_t>(w.inputs);
  const auto row = [](const std::vector<float>& rows, int index, std::size_t width) {
    return std::span(rows).subspan(static_cast<std::size_t>(index) * width, width);
  };
  Products of_line, of_listener;
  const auto f = static_cast<std::size_t>(line);
  of_line.add(row(w.A, line, n), row(w.A, listener, n), f),
      of_line.add(row(w.B, line, inputs), row(w.B, listener, inputs), inputs);
  of_listener.add(row(w.A, listener, n), row(w.A, line, n), f);
  of_listener.add(row(w.B, listener, inputs), row(w.B, line, inputs), inputs);
  if (of_line.both == 0) return {};
  // What is left of the listener's row beside its projection on the line's.
  const double rest = of_listener.squares - of_line.both * of_line.both / of_line.squares;
  if (rest > kAlike * kAlike * of_listener.squares) return {};
  return of_line.both / of_line.squares;
}

void merge(DelayNetworkWeights& w, int line, int listener, double share) {
  const auto n = static_cast<std::size_t>(w.lines), inputs = static_cast<std::size_t>(w.inputs);
  const auto f = static_cast<std::size_t>(line), g = static_cast<std::size_t>(listener);
  const double gain = w.A[g * n + f];
  const auto sections = static_cast<std::size_t>(w.line_sections);
  for (std::size_t k = 0; k < sections; ++k) {
    double* c = w.line_sos.data() + (f * sections + k) * 5;
    if (is_identity({c[0], c[1], c[2], c[3], c[4]})) continue;
    c[0] = share + gain * c[0], c[1] = share * c[3] + gain * c[1], c[2] = share * c[4] + gain * c[2];
    break;
  }
  for (std::size_t i = 0; i < n; ++i) w.A[g * n + i] = i == f ? 1.0f : 0.0f;
  for (std::size_t i = 0; i < inputs; ++i) w.B[g * inputs + i] = 0;
}

}  // namespace

DelayNetworkWeights with_merged_filters(const DelayNetworkWeights& weights) {
  DelayNetworkWeights w = weights;
  if (!w.turning.empty() || w.nonlinear.is_there()) return w;
  for (int line = 0; line < w.lines; ++line) {
    if (w.delays[static_cast<std::size_t>(line)] != 0 || line_filter(w, line).size() != 1) continue;
    const auto listener = only_listener(w, line);
    if (!listener || *listener == line) continue;
    if (const auto share = share_of(w, line, *listener)) merge(w, line, *listener, *share);
  }
  return w;
}

}  // namespace diffverb::runtime
