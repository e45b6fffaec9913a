#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "models/envelope_autoencoder.h"
#include "runtime/envelope_decoder.h"

namespace diffverb {

/// An autoencoder for the runtime: decoder, encoder, the noise that it shapes, and where it comes from.
///
/// Reads    config: YAML that makes the model, with its `type`; provenance: data, licences, what was run (all texts)
/// Throws   DataError where it cannot be written whole; NumericError where the runtime refuses the weights
runtime::EnvelopeDecoderWeights exported_weights(const EnvelopeAutoencoder& model, const std::string& config,
                                                 const std::map<std::string, std::string>& provenance);
/// The same into a file.
void export_envelope(const EnvelopeAutoencoder& model, const std::string& config,
                     const std::map<std::string, std::string>& provenance, const std::filesystem::path& path);

/// The model of a file that export_envelope() has written, with its weights. Throws a DataError.
std::unique_ptr<EnvelopeAutoencoder> model_of(const runtime::EnvelopeDecoderWeights& weights,
                                              const std::filesystem::path& path);

}  // namespace diffverb
