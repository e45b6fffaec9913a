#pragma once

#include <string>
#include <vector>

#include "core/audio_file.h"
#include "core/fields.h"
#include "core/tensor.h"
#include "models/knobs.h"
#include "models/model.h"

namespace diffverb {

/// A reverberator that plays responses of a room as they are: a convolution, without a delay line.
///
/// Returns  forward(): "ir" [1, O, L], to an impulse at all inputs at once
class ResponseModel : public Model {
 public:
  /// What comes out at rest, to an impulse at each input: [O, I, L] float64, at sample_rate_hz().
  virtual at::Tensor responses() const = 0;
  virtual double sample_rate_hz() const = 0;
  /// What comes out of an input [I, T]: [O, T], in float64 where the input is; what rings on after it is cut off.
  virtual at::Tensor play(const at::Tensor& input) const;

  const Knobs& knobs() const { return knobs_; }
  std::map<std::string, at::Tensor> parameters() const override { return knobs_.parameters(); }
  Response forward(const Response& target = {}) override;

 protected:
  Knobs& own() { return knobs_; }

 private:
  Knobs knobs_;
};

/// One that stands still and can imitate another room: what `diffverb fit` fits.
class FittableResponse : public ResponseModel {
 public:
  /// Takes what it plays to a rate, its first sound to the beginning, and its decay times to those of a room as far as its
  /// ranges go; learning goes on from there.
  /// Reads    t60_s of DecayChange::band_hz(), 0 where a band is to stay as it is
  /// Throws   DataError where what it plays does not decay
  virtual void start_from(double sample_rate_hz, const std::vector<double>& t60_s) = 0;
};

/// How loud each of R responses is over time: mean + sum over m of depth sin 2 pi (rate t + phase).
struct GainsOverTime {
  at::Tensor mean;                         // [R]
  at::Tensor depth, rate_hz, phase_turns;  // [R, M]

  at::Tensor at(std::int64_t samples, double sample_rate_hz) const;  // [R, samples] float64
};

/// Several responses between which the sound moves.
///
///   y(n) = sum_r b_r(n) sum_k a_r(k) x(k) h_r(n - k) = sum_k x(k) h(n, k),   h(n, k) = sum_r b_r(n) a_r(k) h_r(n - k)
///
/// responses(), and so forward(), is what an impulse at the start gives while it moves: h(n, 0).
class MovingResponseModel : public ResponseModel {
 public:
  struct Parts {
    at::Tensor taps;                                                          // [R, O, I, L] float64
    GainsOverTime before;                                                     // a
    GainsOverTime after;                                                      // b; its mean undefined: 1 throughout
    bool equal_power = false;                                                 // a_r over sqrt(sum_r a_r^2)
    at::Tensor before_at(std::int64_t samples, double sample_rate_hz) const;  // [R, samples]
    at::Tensor after_at(std::int64_t samples, double sample_rate_hz) const;
  };
  virtual Parts parts() const = 0;
  at::Tensor responses() const override;
  at::Tensor play(const at::Tensor& input) const override;
};

/// y_o = sum_i h_oi * u_i over the length of the input, by one transform. Reads h [O, I, L], u [..., I, T]; returns
/// [..., O, T].
at::Tensor convolve(const at::Tensor& responses, const at::Tensor& input);

/// Rows [P, L] from the first onset of any of them on, so that they keep their times.
at::Tensor from_onset(const at::Tensor& rows);

/// How a sound file is a room's response from I inputs to O outputs.
///
///   mono         1 channel: one input, one output
///   stereo       2 channels: left to left, right to right
///   true_stereo  4 channels, from left to left and so on in the file's `order`: ll_lr_rl_rr, ll_rl_lr_rr, or by_name, which
///                is the first of them unless the file's name spells the other; or the left one of two stereo files,
///                hall_L.wav beside hall_R.wav (core/true_stereo.h)
///   one_input    any number of channels: one input to all of them
///   auto         the first three, by the number of channels
///
/// Reads    layout, order; onset: keep, or trim to begin with the first sound; length_s: cut there, over 10 ms
class ResponseLayout {
 public:
  explicit ResponseLayout(Fields& fields);
  struct Loaded {
    at::Tensor taps;  // [O, I, L] float64
    double rate_hz = 0;
  };
  /// Reads and checks a file; at another rate than `rate_hz`, where that is not 0, it is resampled, and the log says so.
  /// Throws   DataError: not audio, not a number, silent, a number of channels that the layout does not have
  Loaded read(const std::string& file, double rate_hz) const;
  /// Several of one space, the shorter ones filled up with silence: [R, O, I, L]. All at the rate of the first one unless
  /// a rate is given.
  /// Throws   DataError too where they differ in channels
  Loaded read(const std::vector<std::string>& files, double rate_hz) const;

 private:
  Audio read_sound(const std::string& file) const;
  std::string layout_ = "auto", order_ = "by_name", onset_ = "keep";
  std::optional<double> length_s_;
};

/// The sound files of a model that moves between several responses.
///
/// Reads    responses: sound files of one space, beside the config or from the working directory; sample_rate_hz; what
///          ResponseLayout reads
class ResponseFiles {
 public:
  explicit ResponseFiles(Fields& fields);
  std::size_t count() const { return count_; }
  /// [R, O, I, L]. Throws what ResponseLayout::read() throws.
  ResponseLayout::Loaded read() const { return layout_.read(files_, rate_hz_); }

 private:
  ResponseLayout layout_;
  std::vector<std::string> files_;
  double rate_hz_ = 0;  // 0: the first file's
  std::size_t count_ = 2;
};

}  // namespace diffverb
