#pragma once

#include <cmath>
#include <cstddef>

#include "core/device/host_device.h"

// The arithmetic of one bin for a team of lanes: a GPU's threads, or a loop on the host that takes their turns, which is
// how it is tested where there is no GPU. No torch header and none of CUDA's.

namespace diffverb {

template <typename S>
struct BinComplex {
  S re, im;
  DIFFVERB_BIN friend BinComplex operator*(BinComplex x, BinComplex y) {
    return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
  }
  DIFFVERB_BIN friend BinComplex operator*(S x, BinComplex y) { return {x * y.re, x * y.im}; }
  DIFFVERB_BIN friend BinComplex operator+(BinComplex x, BinComplex y) { return {x.re + y.re, x.im + y.im}; }
  DIFFVERB_BIN friend BinComplex operator-(BinComplex x, BinComplex y) { return {x.re - y.re, x.im - y.im}; }
  DIFFVERB_BIN S power() const { return re * re + im * im; }
  DIFFVERB_BIN BinComplex conjugate() const { return {re, -im}; }
  DIFFVERB_BIN BinComplex inverse() const {
    const S over = S(1) / power();
    return {re * over, -im * over};
  }
};

/// R networks of one shape on one grid; row-major, on the device that the lanes run on.
template <typename S>
struct BinProblem {
  int networks = 1, bins = 0, lines = 0, inputs = 0, outputs = 0, sections = 0;
  const S* a = nullptr;            // [R, N, N]
  const S* b = nullptr;            // [R, N, I]
  const S* c = nullptr;            // [R, O, N]
  const S* d = nullptr;            // [R, O, I]
  const double* delays = nullptr;  // [R, N]
  const double* sos = nullptr;     // [R, N, S, 5]
  const double* omega = nullptr;   // [K]
  double radius = 1;
  int chunk = 512;                   // bins that one block sums for the gradient
  BinComplex<S>* h = nullptr;        // [R, O, I, K], written; null: not wanted
  BinComplex<S>* states = nullptr;   // [R, K, N (2 I + O)], written: s [N, I], w [O, N], x [N, I]; null: not wanted
  unsigned char* careful = nullptr;  // [R, K], written by the first pass: this bin needs pivoting

  DIFFVERB_BIN int states_size() const { return lines * (2 * inputs + outputs); }
};

/// The section polynomials q[0] + q[1] z^-1 + q[2] z^-2 at 1 / z = v.
DIFFVERB_BIN BinComplex<double> bin_quadratic(double q0, double q1, double q2, BinComplex<double> v) {
  const BinComplex<double> square = v * v;
  return {q0 + q1 * v.re + q2 * square.re, q1 * v.im + q2 * square.im};
}

/// A section's numerator. A zero on the bin is passed by at a distance that S does not see: the gradient divides by it.
template <typename S>
DIFFVERB_BIN BinComplex<double> bin_numerator(const double* sos, BinComplex<double> v) {
  const double least = sizeof(S) == sizeof(float) ? 1e-12 : 1e-50;
  const BinComplex<double> value = bin_quadratic(sos[0], sos[1], sos[2], v);
  return value.power() < least * least ? BinComplex<double>{least, 0} : value;
}

/// 1 / z of a bin.
DIFFVERB_BIN BinComplex<double> bin_inverse_z(double omega, double radius) {
  return {cos(omega) / radius, -sin(omega) / radius};
}

/// G of one line, in double: the phase reaches thousands of turns, and a quadratic is 1e-5 at the bottom.
template <typename S>
DIFFVERB_BIN BinComplex<double> bin_gain(double omega, double radius, double delay, const double* sos, int sections) {
  const double turns = omega * delay * 0.15915494309189535;
  const double angle = (turns - rint(turns)) * 6.283185307179586, size = radius == 1 ? 1 : pow(radius, -delay);
  BinComplex<double> gain{size * cos(angle), -size * sin(angle)};
  const BinComplex<double> v = bin_inverse_z(omega, radius);
  for (int s = 0; s < sections; ++s, sos += 5) {
    gain = gain * bin_numerator<S>(sos, v) * bin_quadratic(1, sos[3], sos[4], v).inverse();
  }
  return gain;
}

/// What a lane holds: row `lane` of I - A G, its factors later on.
template <typename S, int N>
struct BinRow {
  BinComplex<S> at[N];
  int place;  // in the order of pivots; N: not yet taken
};

/// What a team shares.
template <typename S>
struct BinMemory {
  BinComplex<S>* gain;     // [N]
  BinComplex<S>* row;      // [N] the pivot's
  BinComplex<S>* rhs;      // [N, I] Y by line, then X
  BinComplex<S>* left;     // [O, N] Z, then W by place
  BinComplex<S>* inverse;  // [N] of the pivots
  S* size;                 // [N] for the choice of a pivot
  int* order;              // [N] the line of each pivot
  int* grows;              // [1] a multiplier beyond 8

  DIFFVERB_BIN static std::size_t bytes(int n, int inputs, int outputs) {
    return sizeof(BinComplex<S>) * n * (3 + inputs + outputs) + sizeof(S) * n + sizeof(int) * (n + 1);
  }
  DIFFVERB_BIN static BinMemory at(void* memory, int n, int inputs, int outputs) {
    BinMemory m;
    m.gain = static_cast<BinComplex<S>*>(memory);
    m.row = m.gain + n;
    m.rhs = m.row + n;
    m.left = m.rhs + n * inputs;
    m.inverse = m.left + n * outputs;
    m.size = reinterpret_cast<S*>(m.inverse + n);
    m.order = reinterpret_cast<int*>(m.size + n);
    m.grows = m.order + n;
    return m;
  }
};

/// One bin. A Team has each(work), which calls work(lane, row) for each of N lanes with its BinRow and lets all wait for
/// each other afterwards. Lanes beyond the problem's lines hold rows of the identity.
///
/// Rows lie in registers only where every loop over them is unrolled, which is slow to compile: the first pass is, in
/// float32 and up to 32 lines, and leaves the rare bin that needs pivoting to a second one that is not.
template <typename S, int N, bool Pivot, typename Team>
class BinSolver {
 public:
  DIFFVERB_BIN BinSolver(const Team& team, const BinProblem<S>& p, const BinMemory<S>& m, int network, int bin)
      : team_(team), p_(p), m_(m), network_(network), bin_(bin) {}

  DIFFVERB_BIN void run() const {
    unsigned char& careful = p_.careful[static_cast<std::size_t>(network_) * p_.bins + bin_];
    if (Pivot && !careful) return;
    gains();
    factor();
    const bool grows = !Pivot && *m_.grows;
    if (!Pivot) {
      team_.each([&](int lane, Row&) {
        if (lane == 0) careful = grows;
      });
    }
    if (grows) return;
    if (p_.h) write_response();
    if (p_.states) write_states();
  }

 private:
  using C = BinComplex<S>;
  using Row = BinRow<S, N>;
  static constexpr int kUnroll = !Pivot && sizeof(S) == sizeof(float) && N <= 32 ? N : 1;

  /// Gains, and everything that elimination starts from.
  DIFFVERB_BIN void gains() const {
    const int n = p_.lines;
    team_.each([&](int lane, Row&) {
      C g{0, 0};
      if (lane < n) {
        const std::size_t line = static_cast<std::size_t>(network_) * n + lane;
        const auto wide =
            bin_gain<S>(p_.omega[bin_], p_.radius, p_.delays[line], p_.sos + line * p_.sections * 5, p_.sections);
        g = {static_cast<S>(wide.re), static_cast<S>(wide.im)};
      }
      m_.gain[lane] = g;
      if (lane == 0) *m_.grows = 0;
    });
    team_.each([&](int lane, Row& row) {
      const S* a = p_.a + (static_cast<std::size_t>(network_) * n + lane) * n;
      DIFFVERB_BIN_UNROLL for (int j = 0; j < N; ++j) {
        const S value = lane < n && j < n ? a[j] : S(0);
        row.at[j] = {(lane == j ? S(1) : S(0)) - value * m_.gain[j].re, -value * m_.gain[j].im};
      }
      row.place = N;
      for (int i = 0; i < p_.inputs; ++i) {
        const std::size_t at = (static_cast<std::size_t>(network_) * n + lane) * p_.inputs + i;
        m_.rhs[lane * p_.inputs + i] = {lane < n ? p_.b[at] : S(0), 0};
      }
      for (int o = 0; o < p_.outputs; ++o) {
        const std::size_t at = (static_cast<std::size_t>(network_) * p_.outputs + o) * n + lane;
        m_.left[o * N + lane] = (lane < n ? p_.c[at] : S(0)) * m_.gain[lane];
      }
    });
  }

  DIFFVERB_BIN void factor() const {
    DIFFVERB_BIN_UNROLL for (int k = 0; k < N; ++k) {
      if (Pivot) {
        team_.each([&](int lane, Row& row) { m_.size[lane] = row.place < N ? S(-1) : row.at[k].power(); });
        team_.each([&](int lane, Row&) {
          if (lane != 0) return;
          int best = 0;
          for (int i = 1; i < N; ++i) best = m_.size[i] > m_.size[best] ? i : best;
          m_.order[k] = best;
        });
      } else {
        team_.each([&](int lane, Row&) {
          if (lane == 0) m_.order[k] = k;
        });
      }
      team_.each([&](int lane, Row& row) {
        if (lane != m_.order[k]) return;
        row.place = k;
        const C inverse = row.at[k].inverse();
        m_.inverse[k] = inverse;
        DIFFVERB_BIN_UNROLL for (int j = 0; j < N; ++j) {
          if (j > k) m_.row[j] = row.at[j];
        }
        for (int o = 0; o < p_.outputs; ++o) m_.left[o * N + k] = m_.left[o * N + k] * inverse;
        if (!Pivot && !(inverse.power() < S(6.4e7))) *m_.grows = 1;
      });
      team_.each([&](int lane, Row& row) {
        if (lane > k) {
          for (int o = 0; o < p_.outputs; ++o)
            m_.left[o * N + lane] = m_.left[o * N + lane] - m_.left[o * N + k] * m_.row[lane];
        }
        if (row.place < N) return;
        const C l = row.at[k] * m_.inverse[k];
        row.at[k] = l;
        if (!Pivot && !(l.power() < S(64))) *m_.grows = 1;
        DIFFVERB_BIN_UNROLL for (int j = 0; j < N; ++j) {
          if (j > k) row.at[j] = row.at[j] - l * m_.row[j];
        }
        const int pivot = m_.order[k];
        for (int i = 0; i < p_.inputs; ++i)
          m_.rhs[lane * p_.inputs + i] = m_.rhs[lane * p_.inputs + i] - l * m_.rhs[pivot * p_.inputs + i];
      });
    }
  }

  /// H = D + Z Y
  DIFFVERB_BIN void write_response() const {
    team_.each([&](int lane, Row&) {
      for (int e = lane; e < p_.outputs * p_.inputs; e += N) {
        const int o = e / p_.inputs, i = e % p_.inputs;
        C sum{p_.d[static_cast<std::size_t>(network_) * p_.outputs * p_.inputs + e], 0};
        for (int k = 0; k < N; ++k) sum = sum + m_.left[o * N + k] * m_.rhs[m_.order[k] * p_.inputs + i];
        p_.h[(static_cast<std::size_t>(network_) * p_.outputs * p_.inputs + e) * p_.bins + bin_] = sum;
      }
    });
  }

  /// X = U^-1 Y, W = Z L^-1, s = G X
  DIFFVERB_BIN void write_states() const {
    const int n = p_.lines, inputs = p_.inputs;
    DIFFVERB_BIN_UNROLL for (int k = N - 1; k >= 0; --k) {
      team_.each([&](int lane, Row& row) {
        if (row.place != k) return;
        for (int i = 0; i < inputs; ++i) m_.rhs[lane * inputs + i] = m_.rhs[lane * inputs + i] * m_.inverse[k];
        DIFFVERB_BIN_UNROLL for (int j = 0; j < N; ++j) {
          if (j < k) m_.row[j] = row.at[j];
        }
      });
      team_.each([&](int lane, Row& row) {
        const int pivot = m_.order[k];
        if (row.place < k) {
          for (int i = 0; i < inputs; ++i)
            m_.rhs[lane * inputs + i] = m_.rhs[lane * inputs + i] - row.at[k] * m_.rhs[pivot * inputs + i];
        }
        if (lane < k) {
          for (int o = 0; o < p_.outputs; ++o)
            m_.left[o * N + lane] = m_.left[o * N + lane] - m_.left[o * N + k] * m_.row[lane];
        }
      });
    }
    team_.each([&](int lane, Row& row) {
      C* const states = p_.states + (static_cast<std::size_t>(network_) * p_.bins + bin_) * p_.states_size();
      if (lane < n) {
        for (int i = 0; i < inputs; ++i) {
          const C x = m_.rhs[m_.order[lane] * inputs + i];
          states[lane * inputs + i] = m_.gain[lane] * x;
          states[n * (inputs + p_.outputs) + lane * inputs + i] = x;
        }
        for (int o = 0; o < p_.outputs; ++o) states[n * inputs + o * n + lane] = m_.left[o * N + row.place];
      }
    });
  }

  const Team& team_;
  const BinProblem<S>& p_;
  const BinMemory<S>& m_;
  int network_, bin_;
};

/// The gradient's entries, one after the other: A [N, N], B, C, D, delays [N], sos [N, S, 5].
template <typename S>
struct BinEntries {
  int n, inputs, outputs, sections;
  DIFFVERB_BIN explicit BinEntries(const BinProblem<S>& p)
      : n(p.lines), inputs(p.inputs), outputs(p.outputs), sections(p.sections) {}
  DIFFVERB_BIN int b() const { return n * n; }
  DIFFVERB_BIN int c() const { return b() + n * inputs; }
  DIFFVERB_BIN int d() const { return c() + outputs * n; }
  DIFFVERB_BIN int delays() const { return d() + outputs * inputs; }
  DIFFVERB_BIN int sos() const { return delays() + n; }
  DIFFVERB_BIN int count() const { return sos() + 5 * n * sections; }
};

/// The part of one bin in entry `e` of a network's gradient, with q^T = sum_o conj(g_o) w_o, g = dL / dH of the bin
/// [O, I], and q [N, I] at hand (frequency_kernel.h has the formulas).
template <typename S>
DIFFVERB_BIN double bin_gradient(const BinProblem<S>& p, int network, int bin, int e, const BinComplex<S>* states,
                                 const BinComplex<S>* q, const BinComplex<S>* g) {
  const BinEntries<S> at(p);
  const int n = p.lines, inputs = p.inputs, outputs = p.outputs;
  S sum = 0;
  if (e < at.b()) {
    const int row = e / n, column = e % n;
    for (int i = 0; i < inputs; ++i) sum += (q[row * inputs + i] * states[column * inputs + i]).re;
    return sum;
  }
  if (e < at.c()) return q[e - at.b()].re;
  if (e < at.d()) {
    const int o = (e - at.c()) / n, line = (e - at.c()) % n;
    for (int i = 0; i < inputs; ++i) sum += (g[o * inputs + i].conjugate() * states[line * inputs + i]).re;
    return sum;
  }
  if (e < at.delays()) return g[e - at.d()].re;
  const int line = e < at.sos() ? e - at.delays() : (e - at.sos()) / (5 * p.sections);
  BinComplex<S> t{0, 0};  // dL / d log G
  for (int i = 0; i < inputs; ++i) t = t + q[line * inputs + i] * states[n * (inputs + outputs) + line * inputs + i];
  if (e < at.sos()) return p.omega[bin] * t.im - std::log(p.radius) * t.re;
  const int k = (e - at.sos()) % 5;
  const double* s = p.sos + (static_cast<std::size_t>(network) * n * p.sections + (e - at.sos()) / 5) * 5;
  const BinComplex<double> v = bin_inverse_z(p.omega[bin], p.radius), wide{t.re, t.im};
  const BinComplex<double> power = k == 0 ? BinComplex<double>{1, 0} : (k == 1 || k == 3 ? v : v * v);
  if (k < 3) return (wide * power * bin_numerator<S>(s, v).inverse()).re;
  return -(wide * power * bin_quadratic(1, s[3], s[4], v).inverse()).re;
}

/// q of a bin, entry `e` of [N, I].
template <typename S>
DIFFVERB_BIN BinComplex<S> bin_q(const BinProblem<S>& p, int e, const BinComplex<S>* states, const BinComplex<S>* g) {
  const int line = e / p.inputs, i = e % p.inputs;
  BinComplex<S> sum{0, 0};
  for (int o = 0; o < p.outputs; ++o)
    sum = sum + g[o * p.inputs + i].conjugate() * states[p.lines * p.inputs + o * p.lines + line];
  return sum;
}

}  // namespace diffverb
