#include "models/room_model.h"

#include "core/solvers/solvers.h"

namespace diffverb {

at::Tensor RoomModel::plain_response(const DelayNetwork& network) const {
  return impulse_response(network, samples()).squeeze(1);
}

Response RoomModel::forward(const Response& /*target*/) {
  const DelayNetwork parts = network();
  Response out(response(plain_response(parts)).unsqueeze(0), sample_rate_hz());
  if (parts.lines() > 0) out.set("feedback_matrix", parts.a);
  return out;
}

at::Tensor RoomModel::early_part() const {
  const at::NoGradGuard no_grad;
  return shape_.early_part(shape_.equalise(plain_response(network())));
}

}  // namespace diffverb
