#pragma once

#include <string>
#include <vector>

namespace diffverb::runtime {

/// Added to the sum of squares where gains are made one of equal power: where all pass through zero, it stays silent.
inline constexpr double kEqualPowerFloor = 1e-12;

/// One sine of a gain that moves: depth sin 2 pi (rate_hz t + phase_turns), t from reset() on.
struct GainSine {
  int response = 0;
  bool after = false;  ///< of the gain behind the response, else of the one before it
  double depth = 0, rate_hz = 1, phase_turns = 0;
};

/// Responses between which a sound moves, beside a network's own output:
///
///     y_o(n) += sum_r b_r(n) sum_k a_r(k) sum_i u_i(k) h_r,oi(n - k)
///
/// a_r and b_r are a mean and the sum of their sines; with `equal_power` the a_r are divided by sqrt(1e-12 + sum_r a_r^2), so
/// that their squares sum to 1 at all times.
struct MovingResponses {
  int count = 0;    // R; 0: there are none
  int samples = 0;  // L
  bool equal_power = false;
  std::vector<float> taps;    // [R, O, I, L]
  std::vector<double> means;  // [R, 2] before, after
  std::vector<GainSine> sines;
};

/// Returns an empty string, or the first reason against them.
std::string check_moving(const MovingResponses& moving, int outputs, int inputs);

/// All gains at every sample, one after the other from reset() on: exact sines every kAnchor samples, turned on between
/// them, in double precision.
class MovingGains {
 public:
  static constexpr int kAnchor = 256;

  MovingGains() = default;
  /// Reads: responses that check_moving accepted; `moving` must live on.
  MovingGains(const MovingResponses& moving, double sample_rate_hz);
  void reset() noexcept;
  /// Goes on by a sample; before() and after() then are the gains at it.
  void step() noexcept;
  const std::vector<double>& before() const { return before_; }  // [R]
  const std::vector<double>& after() const { return after_; }    // [R]
  /// Whether b_r stands still.
  bool is_still_after(int response) const;

 private:
  struct Rotor {
    double re, im, turn_re, turn_im;
  };
  const MovingResponses* moving_ = nullptr;
  double rate_hz_ = 1;
  long long time_ = 0;
  std::vector<Rotor> rotors_;
  std::vector<double> before_, after_;
};

}  // namespace diffverb::runtime
