#pragma once

#include <cstddef>

#include "core/device/host_device.h"
#include "core/solvers/svf.h"

// The recursion and its adjoint for a team of lanes: the threads of one block of a GPU, or a loop on the host that takes
// their turns, which is how it is tested where there is no GPU. No torch header and none of CUDA's.
namespace diffverb {

/// Samples between two checkpoints of the filters, and what one lane filters at a time.
inline constexpr int kTimeChunk = 16;

/// R networks of one shape, each driven by a signal of its own (time_kernel.h has the formulas); row-major, on the device
/// that the lanes run on. The caller knows no delay: it need not wait for one, and no size depends on them.
template <typename S>
struct TimeBlocks {
  int networks = 1, samples = 0, lines = 0, inputs = 0, outputs = 0, sections = 0;
  const S* a = nullptr;            // [R, N, N]
  const S* b = nullptr;            // [R, N, I]
  const S* c = nullptr;            // [R, O, N]
  const S* d = nullptr;            // [R, O, I]
  const double* delays = nullptr;  // [R, N] whole samples, >= 1
  const double* sos = nullptr;     // [R, N, S, 5]
  const S* input = nullptr;        // [R, I, T]
  S* tables = nullptr;             // [R, S, 12, N], worked in

  S* output = nullptr;    // [R, O, T], written by the forward pass, as what follows
  S* filtered = nullptr;  // [R, N, T] h_j * v_j
  S* driven = nullptr;    // [R, N, T] v_j; with filters alone
  S* states = nullptr;    // [R, chunks, S, 2, N] of the filters before each chunk

  const S* grad_output = nullptr;  // [R, O, T], read by the adjoint, which writes what follows
  S* mixed = nullptr;              // [R, N, T] A^T vbar + C^T gbar
  S* driven_adjoint = nullptr;     // [R, N, T] vbar; with filters alone
  S* costates = nullptr;           // [R, chunks, S, 2, N] after each chunk
  S* grad_input = nullptr;         // [R, I, T], null: not wanted

  DIFFVERB_BIN int chunks() const { return (samples + kTimeChunk - 1) / kTimeChunk; }
  DIFFVERB_BIN std::size_t line(int network, int j) const {  // of signals [R, N, T]
    return (static_cast<std::size_t>(network) * lines + j) * samples;
  }
  DIFFVERB_BIN std::size_t table(int network, int section, int k, int j) const {
    return ((static_cast<std::size_t>(network) * sections + section) * 12 + k) * lines + j;
  }
  DIFFVERB_BIN std::size_t state(int network, int chunk, int section, int k, int j) const {
    return (((static_cast<std::size_t>(network) * chunks() + chunk) * sections + section) * 2 + k) * lines + j;
  }
  DIFFVERB_BIN int delay(int network, int j) const {
    const double d = delays[static_cast<std::size_t>(network) * lines + j];
    return d >= 1 ? (d < samples ? static_cast<int>(d) : samples) : 1;  // beyond the end all are alike
  }
  /// s_j(t)
  DIFFVERB_BIN S line_output(int network, int j, int t) const {
    const int from = t - delay(network, j);
    return from >= 0 ? filtered[line(network, j) + from] : S(0);
  }
  /// The adjoint of what line j's filter gives at t: the mixed cotangent m_j samples later.
  DIFFVERB_BIN S filtered_adjoint(int network, int j, int t) const {
    const int from = t + delay(network, j);
    return from < samples ? mixed[line(network, j) + from] : S(0);
  }
};

/// One section as a state-variable filter in the form that costs least (svf.h has its formulas):
///
///   z1' = p1 z1 + p2 (x - z2),  z2' = z2 + p2 z1 + p3 (x - z2),  y = m0 x + h1 (z1' + z1) + h2 (z2' + z2)
template <typename S>
struct TimeSection {
  S p1, p2, p3, m0, h1, h2;

  DIFFVERB_BIN TimeSection(const TimeBlocks<S>& p, int network, int section, int j) {
    const S* const at = p.tables + p.table(network, section, 0, j);
    p1 = at[0], p2 = at[p.lines], p3 = at[2 * p.lines];
    m0 = at[3 * p.lines], h1 = at[4 * p.lines], h2 = at[5 * p.lines];
  }
  DIFFVERB_BIN S step(S x, S& z1, S& z2) const {
    const S v = x - z2, next1 = p1 * z1 + p2 * v, next2 = z2 + p2 * z1 + p3 * v;
    const S y = m0 * x + h1 * (next1 + z1) + h2 * (next2 + z2);
    z1 = next1, z2 = next2;
    return y;
  }
  /// The adjoint of step(); c1, c2 are those of z1', z2' and become those of z1, z2.
  DIFFVERB_BIN S step_back(S y, S& c1, S& c2) const {
    const S w1 = c1 + h1 * y, w2 = c2 + h2 * y;
    c1 = p1 * w1 + p2 * w2 + h1 * y;
    c2 = w2 - p2 * w1 - p3 * w2 + h2 * y;
    return m0 * y + p2 * w1 + p3 * w2;
  }
};

/// Shared memory of a team.
template <typename S>
struct TimeMemory {
  S* matrix;   // [N, rows] column by column: A, or A^T for the adjoint
  S* first;    // [N, stride] a block of all lines
  S* second;   // the same
  S* starts;   // [N, chunks of a block + 1, 2] of the filters
  int* block;  // [1] its samples
  int rows, stride, most;
  std::size_t size;  // bytes of all

  /// Samples of a block at most: as many as two tiles of shared memory hold.
  DIFFVERB_BIN static int samples(int lines) {
    const int fit = (sizeof(S) == sizeof(float) ? 8192 : 2048) / lines / kTimeChunk * kTimeChunk;
    return fit < kTimeChunk ? kTimeChunk : (fit > 512 ? 512 : fit);
  }
  DIFFVERB_BIN static std::size_t bytes(int lines) { return at(nullptr, lines).size; }
  DIFFVERB_BIN static TimeMemory at(void* memory, int lines) {
    TimeMemory m;
    m.rows = (lines + 7) / 8 * 8;
    m.most = samples(lines);
    m.stride = place(m.most);
    m.size = 0;
    const auto take = [&](int bytes) {
      void* const here = memory ? static_cast<unsigned char*>(memory) + m.size : nullptr;
      m.size += (static_cast<std::size_t>(bytes) + 15) / 16 * 16;
      return here;
    };
    const int width = static_cast<int>(sizeof(S)) * lines;
    m.matrix = static_cast<S*>(take(width * m.rows));
    m.first = static_cast<S*>(take(width * m.stride));
    m.second = static_cast<S*>(take(width * m.stride));
    m.starts = static_cast<S*>(take(width * (m.most / kTimeChunk + 1) * 2));
    m.block = static_cast<int*>(take(sizeof(int)));
    return m;
  }
  /// Of a sample in a row of a tile: lanes that filter neighbouring chunks meet different banks.
  DIFFVERB_BIN static int place(int t) { return t + t / kTimeChunk; }
};

/// The recursion of one network by blocks no longer than its shortest delay: inside a block every line output is already
/// known, so a block is one small matrix product, and its samples are shared by the lanes. So are those of the filters:
/// each lane takes a chunk of a line from rest, then the states that the chunks begin with follow from each other, then
/// each lane takes its chunk again. A Team has over(count, work): work(0), ..., work(count - 1) by the lanes in any
/// order, and all wait for each other afterwards.
template <typename S, typename Team>
class TimeRecursion {
 public:
  DIFFVERB_BIN TimeRecursion(const Team& team, const TimeBlocks<S>& p, const TimeMemory<S>& m, int network)
      : team_(team), p_(p), m_(m), r_(network) {}

  DIFFVERB_BIN void play() const {
    prepare(false);
    const int block = *m_.block;
    for (int n = 0; n < p_.samples; n += block) {
      const int length = n + block < p_.samples ? block : p_.samples - n;
      team_.over(p_.lines * length, [&](int e) {
        const int j = e / length, t = e % length;
        m_.first[j * m_.stride + m_.place(t)] = p_.line_output(r_, j, n + t);
      });
      drive(n, length);
      write_output(n, length);
      if (p_.sections == 0) continue;
      for (int s = 0; s < p_.sections; ++s) filter(s, n, length);
      store(m_.second, p_.filtered, n, length);
    }
  }

  DIFFVERB_BIN void play_back() const {
    prepare(true);
    const int block = *m_.block;
    for (int n = (p_.samples - 1) / block * block; n >= 0; n -= block) {
      const int length = n + block < p_.samples ? block : p_.samples - n;
      team_.over(p_.lines * length, [&](int e) {
        const int j = e / length, t = e % length;
        m_.first[j * m_.stride + m_.place(t)] = p_.filtered_adjoint(r_, j, n + t);
      });
      for (int s = p_.sections - 1; s >= 0; --s) filter_back(s, n, length);
      if (p_.sections > 0) store(m_.first, p_.driven_adjoint, n, length);
      mix(n, length);
      if (p_.grad_input) write_grad_input(n, length);
    }
  }

 private:
  static constexpr int kRows = 8;  // of a product that one lane makes, for two samples
  struct alignas(16) Four {
    S at[4];
  };

  DIFFVERB_BIN const S* of(const S* all, int size) const { return all + static_cast<std::size_t>(r_) * size; }

  /// The matrix, the length of a block, the sections' coefficients and what 16 samples make of a state, all at rest.
  DIFFVERB_BIN void prepare(bool transposed) const {
    const int n = p_.lines;
    const S* const a = of(p_.a, n * n);
    team_.over(n * m_.rows, [&](int e) {
      const int k = e / m_.rows, j = e % m_.rows;
      m_.matrix[e] = j < n ? (transposed ? a[k * n + j] : a[j * n + k]) : S(0);
    });
    team_.over(p_.sections * n, [&](int e) { prepare_section(e / n, e % n); });
    team_.over(1, [&](int) {
      int shortest = p_.samples;
      for (int j = 0; j < n; ++j) shortest = p_.delay(r_, j) < shortest ? p_.delay(r_, j) : shortest;
      shortest = shortest < m_.most ? shortest : m_.most;
      int block = 1;  // divides a chunk, or is a whole number of them: states are kept between chunks
      while (block < kTimeChunk && 2 * block <= shortest) block *= 2;
      *m_.block = block < kTimeChunk ? block : shortest / kTimeChunk * kTimeChunk;
    });
  }

  DIFFVERB_BIN void prepare_section(int s, int j) const {
    const double* q = p_.sos + ((static_cast<std::size_t>(r_) * p_.lines + j) * p_.sections + s) * 5;
    const Svf<double> f = svf_from_sos(q[0], q[1], q[2], q[3], q[4]);
    const double p1 = 2 * f.a1 - 1, p2 = 2 * f.a2, p3 = 2 * f.a3;
    double m11 = p1, m12 = -p2, m21 = p2, m22 = 1 - p3;
    for (int length = 1; length < kTimeChunk; length *= 2) {
      const double s11 = m11 * m11 + m12 * m21, s12 = m12 * (m11 + m22), s21 = m21 * (m11 + m22);
      m22 = m22 * m22 + m12 * m21;
      m11 = s11, m12 = s12, m21 = s21;
    }
    const double values[12] = {p1, p2, p3, f.m0, f.m1 / 2, f.m2 / 2, m11, m12, m21, m22, 0, 0};
    for (int k = 0; k < 12; ++k) p_.tables[p_.table(r_, s, k, j)] = static_cast<S>(values[k]);
  }

  /// Eight rows of matrix times tile at two samples; `done(row, t, sum)` takes them.
  template <typename Done>
  DIFFVERB_BIN void multiply(int length, const Done& done) const {
    const int pairs = (length + 1) / 2;
    team_.over(m_.rows / kRows * pairs, [&](int e) {
      const int row = e / pairs * kRows, t = e % pairs, u = t + pairs < length ? t + pairs : t;
      const S* left = m_.first + m_.place(t);
      const S* right = m_.first + m_.place(u);
      const S* column = m_.matrix + row;
      S sum[kRows] = {}, other[kRows] = {};
      for (int k = 0; k < p_.lines; ++k, left += m_.stride, right += m_.stride, column += m_.rows) {
        const S x = *left, y = *right;
        const Four low = *reinterpret_cast<const Four*>(column), high = *reinterpret_cast<const Four*>(column + 4);
        for (int i = 0; i < 4; ++i) {
          sum[i] += low.at[i] * x, sum[i + 4] += high.at[i] * x;
          other[i] += low.at[i] * y, other[i + 4] += high.at[i] * y;
        }
      }
      for (int i = 0; i < kRows; ++i) {
        if (row + i >= p_.lines) continue;
        done(row + i, t, sum[i]);
        if (u != t) done(row + i, u, other[i]);
      }
    });
  }

  /// v = A s + B u
  DIFFVERB_BIN void drive(int n, int length) const {
    const S* const b = of(p_.b, p_.lines * p_.inputs);
    const S* const u = of(p_.input, p_.inputs * p_.samples) + n;
    multiply(length, [&](int j, int t, S sum) {
      for (int i = 0; i < p_.inputs; ++i) sum += b[j * p_.inputs + i] * u[i * p_.samples + t];
      if (p_.sections == 0) {
        p_.filtered[p_.line(r_, j) + n + t] = sum;
      } else {
        p_.driven[p_.line(r_, j) + n + t] = sum;
        m_.second[j * m_.stride + m_.place(t)] = sum;
      }
    });
  }

  /// y = C s + D u
  DIFFVERB_BIN void write_output(int n, int length) const {
    const S* const c = of(p_.c, p_.outputs * p_.lines);
    const S* const d = of(p_.d, p_.outputs * p_.inputs);
    const S* const u = of(p_.input, p_.inputs * p_.samples) + n;
    team_.over(p_.outputs * length, [&](int e) {
      const int o = e / length, t = e % length;
      S sum = 0;
      for (int j = 0; j < p_.lines; ++j) sum += c[o * p_.lines + j] * m_.first[j * m_.stride + m_.place(t)];
      for (int i = 0; i < p_.inputs; ++i) sum += d[o * p_.inputs + i] * u[i * p_.samples + t];
      p_.output[(static_cast<std::size_t>(r_) * p_.outputs + o) * p_.samples + n + t] = sum;
    });
  }

  /// A^T vbar + C^T gbar
  DIFFVERB_BIN void mix(int n, int length) const {
    const S* const c = of(p_.c, p_.outputs * p_.lines);
    const S* const g = of(p_.grad_output, p_.outputs * p_.samples) + n;
    multiply(length, [&](int j, int t, S sum) {
      for (int o = 0; o < p_.outputs; ++o) sum += c[o * p_.lines + j] * g[o * p_.samples + t];
      p_.mixed[p_.line(r_, j) + n + t] = sum;
    });
  }

  /// B^T vbar + D^T gbar
  DIFFVERB_BIN void write_grad_input(int n, int length) const {
    const S* const b = of(p_.b, p_.lines * p_.inputs);
    const S* const d = of(p_.d, p_.outputs * p_.inputs);
    const S* const g = of(p_.grad_output, p_.outputs * p_.samples) + n;
    team_.over(p_.inputs * length, [&](int e) {
      const int i = e / length, t = e % length;
      S sum = 0;
      for (int j = 0; j < p_.lines; ++j) sum += b[j * p_.inputs + i] * m_.first[j * m_.stride + m_.place(t)];
      for (int o = 0; o < p_.outputs; ++o) sum += d[o * p_.inputs + i] * g[o * p_.samples + t];
      p_.grad_input[(static_cast<std::size_t>(r_) * p_.inputs + i) * p_.samples + n + t] = sum;
    });
  }

  DIFFVERB_BIN void store(const S* tile, S* to, int n, int length) const {
    team_.over(p_.lines * length, [&](int e) {
      const int j = e / length, t = e % length;
      to[p_.line(r_, j) + n + t] = tile[j * m_.stride + m_.place(t)];
    });
  }

  DIFFVERB_BIN S* start(int j, int chunk) const {
    return m_.starts + (static_cast<std::size_t>(j) * (m_.most / kTimeChunk + 1) + chunk) * 2;
  }

  /// The states that the chunks of a block begin with. `take(j, k, z1, z2)` takes the k-th chunk of line j in turn.
  template <typename Take>
  DIFFVERB_BIN void find_starts(int s, int chunks, bool transposed, const Take& take) const {
    if (chunks == 1) return;
    team_.over(p_.lines * (chunks - 1), [&](int e) {
      const int j = e / (chunks - 1), k = e % (chunks - 1);
      S z1 = k == 0 ? p_.tables[p_.table(r_, s, 10, j)] : S(0), z2 = k == 0 ? p_.tables[p_.table(r_, s, 11, j)] : S(0);
      if (k == 0) start(j, 0)[0] = z1, start(j, 0)[1] = z2;
      take(j, k, z1, z2);
      start(j, k + 1)[0] = z1, start(j, k + 1)[1] = z2;
    });
    team_.over(p_.lines, [&](int j) {
      const S* const m = p_.tables + p_.table(r_, s, 6, j);
      const S m11 = m[0], m12 = m[(transposed ? 2 : 1) * p_.lines], m21 = m[(transposed ? 1 : 2) * p_.lines],
              m22 = m[3 * p_.lines];
      S z1 = start(j, 1)[0], z2 = start(j, 1)[1];
      for (int k = 2; k < chunks; ++k) {
        const S next1 = m11 * z1 + m12 * z2 + start(j, k)[0], next2 = m21 * z1 + m22 * z2 + start(j, k)[1];
        start(j, k)[0] = z1 = next1, start(j, k)[1] = z2 = next2;
      }
    });
  }

  /// The state before the k-th chunk that is taken.
  DIFFVERB_BIN void load_start(int s, int chunks, int j, int k, S& z1, S& z2) const {
    z1 = chunks == 1 ? p_.tables[p_.table(r_, s, 10, j)] : start(j, k)[0];
    z2 = chunks == 1 ? p_.tables[p_.table(r_, s, 11, j)] : start(j, k)[1];
  }
  DIFFVERB_BIN void keep_last(int s, int j, S z1, S z2) const {
    p_.tables[p_.table(r_, s, 10, j)] = z1, p_.tables[p_.table(r_, s, 11, j)] = z2;
  }

  DIFFVERB_BIN void filter(int s, int n, int length) const {
    const int chunks = (length + kTimeChunk - 1) / kTimeChunk;
    find_starts(s, chunks, false, [&](int j, int k, S& z1, S& z2) {
      const TimeSection<S> section(p_, r_, s, j);
      const S* const x = m_.second + j * m_.stride + m_.place(k * kTimeChunk);
      for (int t = 0; t < kTimeChunk; ++t) section.step(x[t], z1, z2);
    });
    team_.over(p_.lines * chunks, [&](int e) {
      const int j = e / chunks, k = e % chunks, begin = k * kTimeChunk;
      const int count = length - begin < kTimeChunk ? length - begin : kTimeChunk;
      const TimeSection<S> section(p_, r_, s, j);
      S z1, z2;
      load_start(s, chunks, j, k, z1, z2);
      if ((n + begin) % kTimeChunk == 0) {
        p_.states[p_.state(r_, (n + begin) / kTimeChunk, s, 0, j)] = z1;
        p_.states[p_.state(r_, (n + begin) / kTimeChunk, s, 1, j)] = z2;
      }
      S* const x = m_.second + j * m_.stride + m_.place(begin);
      for (int t = 0; t < count; ++t) x[t] = section.step(x[t], z1, z2);
      if (k == chunks - 1) keep_last(s, j, z1, z2);
    });
  }

  /// The adjoint of filter(), chunks and samples from the last to the first.
  DIFFVERB_BIN void filter_back(int s, int n, int length) const {
    const int chunks = (length + kTimeChunk - 1) / kTimeChunk;
    const auto chunk_of = [&](int k, int& begin) {
      begin = (chunks - 1 - k) * kTimeChunk;
      return length - begin < kTimeChunk ? length - begin : kTimeChunk;
    };
    find_starts(s, chunks, true, [&](int j, int k, S& c1, S& c2) {
      int begin;
      const int count = chunk_of(k, begin);
      const TimeSection<S> section(p_, r_, s, j);
      const S* const y = m_.first + j * m_.stride + m_.place(begin);
      for (int t = count - 1; t >= 0; --t) section.step_back(y[t], c1, c2);
    });
    team_.over(p_.lines * chunks, [&](int e) {
      const int j = e / chunks, k = e % chunks;
      int begin;
      const int count = chunk_of(k, begin), end = n + begin + count;
      const TimeSection<S> section(p_, r_, s, j);
      S c1, c2;
      load_start(s, chunks, j, k, c1, c2);
      if (end % kTimeChunk == 0 || end == p_.samples) {
        p_.costates[p_.state(r_, (end - 1) / kTimeChunk, s, 0, j)] = c1;
        p_.costates[p_.state(r_, (end - 1) / kTimeChunk, s, 1, j)] = c2;
      }
      S* const y = m_.first + j * m_.stride + m_.place(begin);
      for (int t = count - 1; t >= 0; --t) y[t] = section.step_back(y[t], c1, c2);
      if (k == chunks - 1) keep_last(s, j, c1, c2);
    });
  }

  const Team& team_;
  const TimeBlocks<S>& p_;
  const TimeMemory<S>& m_;
  int r_;
};

}  // namespace diffverb
