#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "models/spectral_autoencoder.h"

namespace diffverb {

/// A spectral autoencoder as Keras saved it.
struct KerasImport {
  std::unique_ptr<SpectralAutoencoder> model;
  std::string config;  // YAML that makes this model again, with its `type`
};

/// Reads the encoder and decoder that NeuralReverberator's training saved (HDF5, Keras 2: model.save or save_weights).
///
/// Layers go by kind and by the number at the end of their names: conv2d_<n> and conv2d_transpose_<n> with kernel:0 and
/// bias:0, batch_normalization_<n> with gamma:0, beta:0, moving_mean:0 and moving_variance:0. Filters and latent size
/// come from the kernels. Where the file says so (model_config), strides, padding, slope, momentum and epsilon must be
/// those of the network.
///
/// Throws   DataError that names file and layer: another layer or number of layers than expected, a wrong shape, a
///          value that is not finite, another stride
KerasImport import_keras(const std::filesystem::path& encoder, const std::filesystem::path& decoder);

}  // namespace diffverb
