#include "models/room_model.h"

#include "core/solvers/solvers.h"

namespace diffverb {

at::Tensor RoomModel::plain_response(const DelayNetwork& network) const {
  return impulse_response(network, samples()).squeeze(1);
}

Response RoomModel::forward(const Response& /*target*/) {
  const DelayNetwork parts = network();
  const auto y = shape_.with_early_part(shape_.equalise(plain_response(parts)));
  Response response(y.unsqueeze(0), sample_rate_hz());
  response.set("feedback_matrix", parts.a);
  return response;
}

at::Tensor RoomModel::early_part() const {
  const at::NoGradGuard no_grad;
  return shape_.early_part(shape_.equalise(plain_response(network())));
}

}  // namespace diffverb
