#pragma once

#include <filesystem>
#include <string>

#include "core/network/delay_network.h"
#include "models/network_model.h"
#include "models/nonlinear_fdn.h"
#include "models/response_model.h"
#include "models/room_model.h"
#include "runtime/weights.h"

namespace diffverb {

/// What an exported file says of where it comes from.
struct Provenance {
  double gain = 1;  // output = gain * model: a fit works on a target of unit energy
  std::string config_sha256;
  std::string source;  // file name of the target
};

/// A network as the runtime plays it. Reads whole delays (with_whole_delays).
runtime::DelayNetworkWeights to_weights(const DelayNetwork& network);

/// A reverberator as the runtime plays it: its network at its own rate, and how its lines and its matrix move. Motions
/// without depth are left out.
runtime::DelayNetworkWeights to_weights(const NetworkModel& model);

/// A response as the runtime plays it: a network without lines, its early part all there is.
runtime::DelayNetworkWeights to_weights(const ResponseModel& model);

/// A network with a nonlinear loop as the runtime plays it.
runtime::DelayNetworkWeights to_weights(const NonlinearFdn& model);

/// A fitted room as the runtime plays it, `gain` times as loud.
runtime::DelayNetworkWeights to_weights(const RoomModel& model, double gain);

/// What a fit's file says of itself, as JSON.
std::string provenance_text(const Provenance& provenance);

/// Writes weights and checks that the runtime takes them. Throws as export_room().
void write_network(const runtime::DelayNetworkWeights& weights, const std::filesystem::path& path);

/// Writes a fitted network as runtime weights (kind delay_network), moving where its reverberator is to go on moving, and checks that
/// the runtime takes them.
/// Throws   DataError where the file cannot be written; NumericError where the runtime would refuse the network
void export_room(const RoomModel& model, const std::filesystem::path& path, const Provenance& provenance);

}  // namespace diffverb
