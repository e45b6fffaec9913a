#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace diffverb::runtime {

/// A build of pyFDN as its file holds it, in double precision and row-major:
///
///     s_j(n) = (post_delay_j * v_j)(n - m_j)
///     v(n)   = post_matrix * (A s(n)) + B u(n)
///     y(n)   = post_output * (C s(n)) + D u(n)
///
/// Source: pyFDN 0.5.0, build.py and translate/dss_to_td.py, https://github.com/artificial-audio/pyFDN
struct PyfdnBuild {
  /// Second-order sections, a cascade for every channel. Divided by a0, which the file has as 1.
  struct Bank {
    int sections = 0;         // K; 0 where the file has null
    std::vector<double> sos;  // [channels, K, 5] b0 b1 b2 a1 a2
  };

  double sample_rate_hz = 0;
  int lines = 0, inputs = 0, outputs = 0;
  std::vector<double> A, B, C, D;    // [N, N], [N, I], [O, N], [O, I]
  std::vector<std::int32_t> delays;  // [N]
  Bank post_delay, post_matrix;      // of N channels
  Bank post_output;                  // of O channels
  std::string metadata = "{}";       // JSON text of an object
};

inline constexpr const char* kPyfdnFormat = "pyfdn-fdn-build";
inline constexpr int kPyfdnVersion = 2;
/// More than the largest network that is played needs, and little enough to be taken apart in memory.
inline constexpr std::size_t kMaxPyfdnBytes = std::size_t{16} << 20;

/// Reads the text of a build, or of a preset, which holds one under "build". Keys that are unknown are passed over, as
/// pyFDN does. Returns an empty string, or the reason against it: key, place, what was expected.
std::string parse_pyfdn(std::string_view text, PyfdnBuild& build);

/// The text as pyFDN writes it.
std::string format_pyfdn(const PyfdnBuild& build);

}  // namespace diffverb::runtime
