#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "runtime/envelope_decoder.h"
#include "train/autoencoder/bank.h"

namespace diffverb {

struct EnvelopeBankOptions {
  std::array<std::int64_t, 3> sizes = {10, 10, 10};  // of the grid along the latent coordinates, 1 where there is none
  runtime::StereoWidth width;
  double seconds = 2;             // of each response; the last tenth fades out
  double rate_hz = 0;             // 0: the decoder's own
  bool same_level = true;         // each pair to unit energy, the mean of its channels
  std::string provenance = "{}";  // JSON text of an object; how the bank was made is added to it
};

/// The sound of a grid of latent points of an envelope decoder, left and right: one to three latent coordinates, from
/// bound to bound. Shows its progress on stderr.
/// Throws   ContractError where an option is out of range or the decoder has more than three latent coordinates
Bank make_envelope_bank(const runtime::EnvelopeDecoder& decoder, const EnvelopeBankOptions& options);

}  // namespace diffverb
