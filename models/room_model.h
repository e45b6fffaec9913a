#pragma once

#include <cstdint>

#include "core/network/delay_network.h"
#include "core/tensor.h"
#include "models/late_shape.h"
#include "models/model.h"
#include "models/room_design.h"

namespace diffverb {

/// A model of one measured room: what `diffverb fit` fits and the exporter writes.
///
/// design() makes its parameters; before, it has none. Played, it is network(), then output_sos(), and early_part()
/// beside both (models/late_shape.h).
///
/// Returns  forward(): "ir" [1, C, T], "feedback_matrix" [N, N]
class RoomModel : public Model {
 public:
  /// Sets everything from a measured response, so that step 0 is already near.
  /// Reads    ir [C, T] float64 from its onset on (a few samples before it may stand there), unit scale of the caller's
  ///          choice
  ///          groups_wanted 1 or 2 stands in for `groups: 0`, to try both; 0 follows the analysis
  /// Throws   DataError where nothing decays; ConfigError where the model does not exist for this room
  virtual void design(const at::Tensor& ir, double sample_rate_hz, std::uint64_t seed,
                      std::int64_t groups_wanted = 0) = 0;
  /// Takes parameters and constants to a device; design() leaves them on the CPU.
  virtual void move_to(at::Device device) = 0;
  virtual const RoomDesign& room() const = 0;
  /// Whether design() may be tried with one and with two groups of lines.
  virtual bool groups_are_free() const { return false; }

  virtual DelayNetwork network() const = 0;  // one input, C outputs; whole delays; without equaliser and early part
  virtual at::Tensor output_sos() const { return shape_.output_sos(); }  // [C, S, 5] float64
  virtual at::Tensor early_part() const;                                 // [C, L] float32
  std::int64_t samples() const { return shape_.samples(); }              // that forward() computes
  double early_ms() const { return shape_.early_ms(); }
  double sample_rate_hz() const { return shape_.sample_rate_hz(); }
  Response forward(const Response& target = {}) final;

 protected:
  explicit RoomModel(Fields& fields) : shape_(fields) {}
  LateShape& shape() { return shape_; }
  const LateShape& shape() const { return shape_; }
  /// What the network plays, [C, T].
  virtual at::Tensor plain_response(const DelayNetwork& network) const;
  /// What is heard of that, [C, T].
  at::Tensor response(const at::Tensor& plain) const { return shape_.with_early_part(shape_.equalise(plain)); }

 private:
  LateShape shape_;
};

}  // namespace diffverb
