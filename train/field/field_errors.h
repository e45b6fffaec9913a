#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Signals at the same places by one method.
struct FieldEstimate {
  std::string name;
  at::Tensor signals;  // [N, T]
};

/// How far estimates are from the truth over frequency, all places together.
///
///   E_b = 10 lg ( sum |P - T|^2 / sum |T|^2 ) over the places and the frequencies of band b, a third of an octave; 0 dB
///   is what silence comes to
struct FieldErrors {
  std::vector<std::string> methods;
  std::vector<double> hz;                     // centres of the bands
  std::vector<std::vector<double>> error_db;  // [methods][bands]
  std::vector<double> all_db;                 // [methods], all bands together
};

/// Reads    truth [N, T] at rate_hz, estimates of the same shape; bands from low_hz to high_hz
FieldErrors field_errors(const at::Tensor& truth, const std::vector<FieldEstimate>& estimates, double rate_hz,
                         double low_hz, double high_hz);

std::string table_of(const FieldErrors& errors);
/// {"methods": {name: {"all_db", "bands": [{"hz", "error_db"}]}}}
nlohmann::json json_of(const FieldErrors& errors);

}  // namespace diffverb
