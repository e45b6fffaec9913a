#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "models/field/sine_network.h"
#include "models/field/spread_points.h"
#include "models/model.h"

namespace diffverb {

/// The sound pressure in a shoebox, on a rectangle or on a line, as a network of sines of place and time, with what the
/// wave equation has to say about it: a physics-informed network.
///
/// The network sees xi = k x and tau = k c t, with k = 2 pi high_hz / c, so that a wave at high_hz has derivatives of its
/// own size. At points that change each step forward() gives, beside the pressure at the microphones, what the losses
/// are to bring to 0:
///
///   wave_residual   d2p/dtau2 - laplace_xi p, in the room; 0 within source_radius_m of the source
///   wall_residual   ((1 + r) dp/dn + (1 - r) dp/dtau) / 2 on the walls: a surface with the reflection coefficient r at
///                   normal incidence; p itself for r = -1, an end that is held
///   start_residual  p and dp/dtau at t = 0: nothing sounds yet
///
/// Reads    size_m (1 to 3 sides; the room goes from 0 to there), speed_m_s, seconds, high_hz, source_m, source_radius_m;
///          reflection: one number, or two a side (x = 0, x = L, y = 0, ...); points, wall_points, start_points, 0 for
///          none of its residual; width, layers, omega_0, start, seed: the network
/// Returns  forward(): "ir" [1, M, T] at the microphones, the residuals [P]; add_features() gives a target their zeros
/// Throws   ContractError from forward() without place_microphones()
/// Source   Raissi et al. 2019 (physics-informed networks); Pezzoli et al. 2023, Implicit neural representation with
///          physics-informed neural networks for the reconstruction of the early part of room impulse responses
class SineField final : public Model {
 public:
  explicit SineField(Fields& fields);

  /// Where and when forward() listens: positions [M, D] in metres, `samples` times from 0 on at rate_hz.
  void place_microphones(const at::Tensor& positions, std::int64_t samples, double rate_hz);
  void move_to(at::Device device);

  std::map<std::string, at::Tensor> parameters() const override;
  std::map<std::string, at::Tensor> buffers() const override { return {{"sets_drawn", sets_drawn_}}; }
  void add_features(Response& target) const override;
  Response forward(const Response& target) override;
  /// The pressure at positions [N, D] in metres: [N, T].
  at::Tensor pressure(const at::Tensor& positions, std::int64_t samples, double rate_hz) const;

  std::int64_t dimensions() const { return static_cast<std::int64_t>(size_m_.size()); }
  const std::vector<double>& size_m() const { return size_m_; }
  double speed_m_s() const { return speed_m_s_; }
  double seconds() const { return seconds_; }
  double high_hz() const { return high_hz_; }
  const SineNetwork& network() const { return *network_; }

 private:
  void read(Fields& fields);
  double wave_number() const;  // at high_hz, radians a metre
  void build();
  at::Tensor coordinates(const at::Tensor& positions, std::int64_t samples, double rate_hz) const;
  at::Tensor wave_residual(const at::Tensor& unit) const;
  at::Tensor wall_residual(const at::Tensor& unit) const;
  at::Tensor start_residual(const at::Tensor& unit) const;

  std::vector<double> size_m_, source_m_, reflection_ = {1};
  double speed_m_s_ = 343, seconds_ = 0.05, high_hz_ = 500, source_radius_m_ = 0.2;
  std::int64_t points_ = 1024, wall_points_ = 0, start_points_ = 0;
  SineNetwork::Options options_{.inputs = 2, .width = 128, .layers = 3, .omega_0 = 1, .start = {}};
  std::uint64_t seed_ = 1;

  std::unique_ptr<SineNetwork> network_;
  SpreadPoints spread_;
  at::Tensor sets_drawn_;         // int64 scalar
  at::Tensor wave_;               // [D + 1] -1 ... -1, 1
  at::Tensor span_;               // [D + 1] sides and duration in the network's units; centred at 0
  at::Tensor wall_axis_;          // [2 D, D + 1] 1 where the wall's normal points
  at::Tensor wall_side_;          // [2 D] -1 or 1
  at::Tensor wall_coefficients_;  // [3, 2 D] of p, dp/dn, dp/dtau
  at::Tensor source_;             // [D] in the network's units; undefined without a source
  at::Tensor heard_at_;           // [M T, D + 1]
  std::int64_t microphones_ = 0;
  double rate_hz_ = 0;
};

}  // namespace diffverb
