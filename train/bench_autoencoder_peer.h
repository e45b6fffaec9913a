#pragma once

namespace diffverb {

/// The Python program that trains the same network in PyTorch: arguments are a checkpoint with the weights and "input",
/// the mode (eager, channels_last, compile) and the threads. It prints PyTorch's version, then for each line with a
/// number of steps {"ms": [...], "loss": [...]}.
const char* autoencoder_peer_script();

}  // namespace diffverb
