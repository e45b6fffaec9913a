#include "core/network/modes.h"

#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>

#include <Eigen/LU>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "core/error.h"
#include "core/network/loops.h"

namespace diffverb {
namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;

constexpr double kFound = 1e-13;   // a step of this share of the pole's modulus is rounding
constexpr double kOnAxis = 1e-11;  // imaginary part of a real pole
/// Poles nearer to 0 than this have died away after a dozen samples; where A has no full rank many of them stand at 0.
constexpr double kNothing = 0.05;

std::vector<double> numbers_of(const at::Tensor& tensor) {
  const auto values = tensor.detach().to(at::kCPU, at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

/// A polynomial in 1/z with its derivative.
struct Value {
  Complex at, slope;
};
Value product(const Value& f, const Value& g) { return {f.at * g.at, f.slope * g.at + f.at * g.slope}; }
Value quadratic(double c0, double c1, double c2, Complex w) {  // w = 1/z, dw/dz = -w^2
  return {c0 + w * (c1 + w * c2), -w * w * (c1 + 2.0 * w * c2)};
}

/// P(z) = diag(a_i) - diag(z^-m_i b_i) A outside of the unit circle, diag(z^m_i a_i) - diag(b_i) A inside: either way
/// no power of z is large.
class Pencil {
 public:
  explicit Pencil(const DelayNetwork& n)
      : lines_(static_cast<int>(n.lines())),
        sections_(static_cast<int>(n.sections())),
        a_(numbers_of(n.a)),
        sos_(numbers_of(n.line_sos)) {
    for (const double delay : numbers_of(n.delays)) delays_.push_back(static_cast<std::int64_t>(delay));
    for (int i = 0; i < lines_; ++i) {
      degree_ += delays_[i];
      int order = 0;
      for (int s = 0; s < sections_; ++s) order += section_order(i, s);
      orders_.push_back(order);
      degree_ += order;
    }
  }

  std::int64_t degree() const { return degree_; }
  int lines() const { return lines_; }

  struct At {
    Matrix p, slope;
    std::vector<Complex> numerators;
    Complex outside;  // q = z^outside det P
  };
  At at(Complex z) const {
    const bool inside = std::abs(z) < 1;
    const Complex w = 1.0 / z;
    At out{Matrix::Zero(lines_, lines_), Matrix::Zero(lines_, lines_), {}, 0};
    for (int i = 0; i < lines_; ++i) {
      Value top{1, 0}, bottom{1, 0};
      for (int s = 0; s < sections_; ++s) {
        const double* q = section(i, s);
        top = product(top, quadratic(q[0], q[1], q[2], w));
        bottom = product(bottom, quadratic(1, q[3], q[4], w));
      }
      out.outside += static_cast<double>(orders_[i]);
      const auto m = static_cast<double>(delays_[i]);
      const Complex power = std::pow(z, inside ? m : -m);
      const Value delay{power, (inside ? m : -m) * power * w};
      if (inside) {
        bottom = product(bottom, delay);
      } else {
        top = product(top, delay);
        out.outside += m;
      }
      out.numerators.push_back(top.at);
      for (int j = 0; j < lines_; ++j) {
        const double gain = a_[static_cast<std::size_t>(i) * lines_ + j];
        out.p(i, j) = -top.at * gain;
        out.slope(i, j) = -top.slope * gain;
      }
      out.p(i, i) += bottom.at;
      out.slope(i, i) += bottom.slope;
    }
    return out;
  }

  /// q / q'
  Complex newton(Complex z) const {
    const At here = at(z);
    const Eigen::PartialPivLU<Matrix> lu(here.p);
    return 1.0 / (here.outside / z + lu.solve(here.slope).trace());
  }

  /// Starts: the filters' poles, the others around a circle whose radius is the poles' mean.
  std::vector<Complex> starts() const {
    std::vector<Complex> poles;
    for (int i = 0; i < lines_; ++i) {
      for (int s = 0; s < sections_; ++s) {
        const double* q = section(i, s);
        const Complex root = std::sqrt(Complex(q[3] * q[3] / 4 - q[4], 0));
        const int order = section_order(i, s);
        const double apart = 1 - 1e-3 * static_cast<double>(1 + i + lines_ * s) / (1 + lines_ * sections_);
        const Complex first = -q[3] / 2 + (q[3] > 0 ? -root : root), second = -q[3] / 2 - (q[3] > 0 ? -root : root);
        if (order > 0) poles.push_back(apart * first + Complex(0, 1e-3));
        if (order > 1) poles.push_back(apart * second + Complex(0, -1e-3));
      }
    }
    const std::int64_t rest = degree_ - static_cast<std::int64_t>(poles.size());
    for (std::int64_t k = 0; k < rest; ++k) {
      const double angle = 2 * std::numbers::pi * (static_cast<double>(k) + 0.3) / static_cast<double>(rest);
      poles.push_back(std::polar(0.999, angle));
    }
    return poles;
  }

 private:
  const double* section(int i, int s) const { return sos_.data() + 5 * (static_cast<std::size_t>(i) * sections_ + s); }
  int section_order(int i, int s) const {
    const double* q = section(i, s);
    if (q[2] != 0 || q[4] != 0) return 2;
    return q[1] != 0 || q[3] != 0 ? 1 : 0;
  }

  int lines_, sections_;
  std::vector<double> a_, sos_;
  std::vector<std::int64_t> delays_;
  std::vector<int> orders_;
  std::int64_t degree_ = 0;
};

/// sum_{j != i} 1 / (z_i - z_j)
Complex repulsion(const std::vector<double>& re, const std::vector<double>& im, std::size_t i) {
  double x = 0, y = 0;
  const double a = re[i], b = im[i];
  for (std::size_t j = 0; j < re.size(); ++j) {
    const double u = a - re[j], v = b - im[j], power = u * u + v * v;
    const double scale = power > 0 ? 1 / power : 0;
    x += u * scale;
    y -= v * scale;
  }
  return {x, y};
}

std::vector<Complex> find_poles(const Pencil& pencil, const ModeOptions& options) {
  std::vector<Complex> poles = pencil.starts();
  std::vector<double> re, im;
  for (const Complex pole : poles) {
    re.push_back(pole.real());
    im.push_back(pole.imag());
  }
  std::vector<std::size_t> open(poles.size());
  for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
  for (int round = 0; round < options.most_rounds && !open.empty(); ++round) {
    std::vector<char> found(open.size(), 0);
    at::parallel_for(0, static_cast<std::int64_t>(open.size()), 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const std::size_t i = open[static_cast<std::size_t>(k)];
        const Complex newton = pencil.newton(poles[i]);
        if (!std::isfinite(newton.real()) || !std::isfinite(newton.imag())) {  // on the pole itself
          found[static_cast<std::size_t>(k)] = 1;
          continue;
        }
        const Complex step = newton / (1.0 - newton * repulsion(re, im, i));
        poles[i] -= step;
        const double size = std::abs(poles[i]);
        found[static_cast<std::size_t>(k)] = std::abs(step) < kFound * size || size < kNothing;
      }
    });
    for (const std::size_t i : open) {
      re[i] = poles[i].real();
      im[i] = poles[i].imag();
    }
    std::vector<std::size_t> left;
    for (std::size_t k = 0; k < open.size(); ++k) {
      if (!found[k]) left.push_back(open[k]);
    }
    open = std::move(left);
    if (options.on_progress)
      options.on_progress(1 - static_cast<double>(open.size()) /
                                  static_cast<double>(std::max<std::size_t>(1, poles.size())));
  }
  // What still moves moves within its rounding, or the iteration has failed.
  for (const std::size_t i : open) {
    if (std::abs(pencil.newton(poles[i])) > 1e-8 * std::abs(poles[i]))
      throw NumericError("modes_of: pole " + std::to_string(i) + " of " + std::to_string(poles.size()) +
                         " was not found in " + std::to_string(options.most_rounds) + " rounds");
  }
  poles.erase(std::remove_if(poles.begin(), poles.end(), [](Complex z) { return std::abs(z) < kNothing; }),
              poles.end());
  return poles;
}

/// The lines of one group alone.
DelayNetwork part_of(const DelayNetwork& network, const std::vector<int>& lines) {
  const std::vector<std::int64_t> numbers(lines.begin(), lines.end());
  const auto index = at::tensor(numbers).to(network.a.device());
  DelayNetwork part = network;
  part.a = network.a.index_select(0, index).index_select(1, index);
  part.delays = network.delays.index_select(0, index);
  part.line_sos = network.line_sos.index_select(0, index);
  return part;
}

/// Loops have poles of their own; a line that is in none has those of its filter.
std::vector<Complex> all_poles(const DelayNetwork& network, const ModeOptions& options) {
  const auto a = numbers_of(network.a);
  const auto n = static_cast<int>(network.lines());
  std::vector<Complex> poles;
  for (const auto& group : loops_of(a.data(), n)) {
    DelayNetwork part = part_of(network, group);
    if (group.size() == 1 && a[static_cast<std::size_t>(group[0]) * n + group[0]] == 0) part.delays = part.delays * 0;
    const Pencil pencil(part);
    if (pencil.degree() == 0) continue;
    const std::int64_t count = pencil.degree() + static_cast<std::int64_t>(poles.size());
    if (count > options.most_poles)
      throw ContractError("modes_of: the network has " + std::to_string(count) + " poles or more, expected at most " +
                          std::to_string(options.most_poles));
    const auto found = find_poles(pencil, options);
    poles.insert(poles.end(), found.begin(), found.end());
  }
  return poles;
}

}  // namespace

std::vector<Mode> modes_of(const DelayNetwork& network, const ModeOptions& options) {
  network.check();
  if (!network.has_whole_delays()) throw ContractError("modes_of: delays must be whole samples");
  if (options.output < 0 || options.output >= network.outputs() || options.input < 0 ||
      options.input >= network.inputs())
    throw ContractError("modes_of: there is no such input or output");
  const Pencil pencil(network);
  const auto poles = all_poles(network, options);
  const auto b = numbers_of(network.b), c = numbers_of(network.c);
  const auto n = static_cast<std::size_t>(network.lines());

  std::vector<Complex> kept;
  for (const Complex pole : poles) {
    if (std::abs(pole.imag()) < kOnAxis) {
      kept.emplace_back(pole.real(), 0);
    } else if (pole.imag() > 0) {
      kept.push_back(pole);
    }
  }
  std::vector<Mode> modes(kept.size());
  at::parallel_for(0, static_cast<std::int64_t>(kept.size()), 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      Mode& mode = modes[static_cast<std::size_t>(k)];
      mode.pole = kept[static_cast<std::size_t>(k)];
      const auto here = pencil.at(mode.pole);
      const Eigen::JacobiSVD<Matrix> svd(here.p, Eigen::ComputeFullU | Eigen::ComputeFullV);
      const Eigen::VectorXcd left = svd.matrixU().col(static_cast<Eigen::Index>(n) - 1).conjugate(),
                             right = svd.matrixV().col(static_cast<Eigen::Index>(n) - 1);
      Complex out = 0, in = 0;
      for (std::size_t j = 0; j < n; ++j) {
        const auto at = static_cast<Eigen::Index>(j);
        out += c[static_cast<std::size_t>(options.output) * n + j] * right(at);
        in += left(at) * here.numerators[j] * b[j * static_cast<std::size_t>(network.inputs()) + options.input];
      }
      mode.residue = out * in / (left.transpose() * here.slope * right).value();
      const double modulus = std::abs(mode.pole);
      mode.hz = std::arg(mode.pole) / (2 * std::numbers::pi) * network.sample_rate_hz;
      mode.t60_s = modulus < 1 ? -3 * std::numbers::ln10 / std::log(modulus) / network.sample_rate_hz
                               : std::numeric_limits<double>::infinity();
    }
  });
  std::sort(modes.begin(), modes.end(), [](const Mode& x, const Mode& y) {
    return x.hz != y.hz ? x.hz < y.hz : std::abs(x.pole) < std::abs(y.pole);
  });
  return modes;
}

std::vector<double> response_of(const std::vector<Mode>& modes, std::int64_t samples) {
  std::vector<double> h(static_cast<std::size_t>(samples), 0.0);
  for (const Mode& mode : modes) {
    const double share = mode.pole.imag() == 0 ? 1 : 2;
    Complex value = share * mode.residue;
    for (std::int64_t n = 1; n < samples; ++n, value *= mode.pole) h[static_cast<std::size_t>(n)] += value.real();
  }
  return h;
}

}  // namespace diffverb
