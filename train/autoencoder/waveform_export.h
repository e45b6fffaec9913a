#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "models/waveform_autoencoder.h"
#include "runtime/waveform_decoder.h"

namespace diffverb {

/// A waveform autoencoder for the runtime: decoder, encoder, the noise of two channels, and where it comes from.
///
/// Reads    config: YAML that makes the model, with its `type`; provenance: data, licences, what was run (all texts)
runtime::WaveformDecoderWeights exported_weights(const WaveformAutoencoder& model, const std::string& config,
                                                 const std::map<std::string, std::string>& provenance);
/// The same into a file.
/// Throws   DataError where it cannot be written whole; NumericError where the runtime refuses the weights
void export_waveform(const WaveformAutoencoder& model, const std::string& config,
                     const std::map<std::string, std::string>& provenance, const std::filesystem::path& path);

/// The model of a file that export_waveform() has written, with its weights. Throws a DataError.
std::unique_ptr<WaveformAutoencoder> model_of(const runtime::WaveformDecoderWeights& weights,
                                              const std::filesystem::path& path);

}  // namespace diffverb
