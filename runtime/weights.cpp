#include "runtime/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/safetensors.h"
#include "runtime/biquad.h"
#include "runtime/reference.h"
#include "runtime/stability.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr int kSelfTestSamples = 64;
constexpr int kMaxLines = 256, kMaxChannels = 64, kMaxSections = 256;
constexpr std::int64_t kMaxDelay = 1 << 24, kMaxEarly = 1 << 22;

template <typename T>
bool all_finite(const std::vector<T>& values) {
  return std::all_of(values.begin(), values.end(), [](T v) { return std::isfinite(v); });
}

/// Reads one tensor of a known type and number of axes; a reason otherwise.
template <typename T>
std::string take(const Container& file, const char* name, const char* dtype, std::vector<std::uint64_t>& shape, std::size_t axes, std::vector<T>& out) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) return std::string("tensor '") + name + "' is missing";
  const Tensor& tensor = found->second;
  if (tensor.dtype != dtype) return std::string("tensor '") + name + "' has type " + tensor.dtype + ", expected " + dtype;
  if (tensor.shape.size() != axes) return std::string("tensor '") + name + "' has " + std::to_string(tensor.shape.size()) + " axes, expected " + std::to_string(axes);
  shape = tensor.shape;
  out.resize(tensor.bytes.size() / sizeof(T));
  if (!tensor.bytes.empty()) std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  return {};
}

std::string metadata_number(const Container& file, const char* key, double low, double high, double& out) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return std::string("metadata '") + key + "' is missing";
  char* end = nullptr;
  out = std::strtod(found->second.c_str(), &end);
  if (found->second.empty() || *end != '\0' || !(out >= low && out <= high)) {
    return std::string("metadata '") + key + "' is not a number in its range";
  }
  return {};
}

std::string check_header(const Container& file) {
  const auto text = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (text("format") != "diffverb-runtime") return "not a diffverb weights file: metadata 'format' is not 'diffverb-runtime'";
  const std::string version = text("version");
  if (version.rfind("1.", 0) != 0) return "version '" + version + "' is not one that this program reads (1.x)";
  if (text("kind") != "delay_network") return "kind '" + text("kind") + "' is not one that this program plays (delay_network)";
  return {};
}

/// Plays the file's own test input and compares.
std::string run_self_test(const DelayNetworkWeights& weights, const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("input") || !json.contains("output") || !json.contains("tolerance")) return "self_test is not readable";
  const auto numbers = [](const nlohmann::json& list, std::vector<double>& out) {
    if (!list.is_array() || list.size() > 65536) return false;
    for (const auto& value : list) {
      if (!value.is_number()) return false;
      out.push_back(value.get<double>());
    }
    return true;
  };
  std::vector<double> input;
  if (!numbers(json["input"], input) || input.empty() || !json["output"].is_array() || !json["tolerance"].is_number()) return "self_test is not readable";
  if (json["output"].size() != static_cast<std::size_t>(weights.outputs)) return "self_test has another number of outputs";
  const double tolerance = json["tolerance"].get<double>();
  if (!(tolerance > 0 && tolerance <= 0.01)) return "self_test has no sensible tolerance";
  std::vector<std::vector<double>> expected;
  double peak = 0;
  std::size_t longest = input.size();
  for (const auto& row : json["output"]) {
    expected.emplace_back();
    if (!numbers(row, expected.back()) || expected.back().empty()) return "self_test is not readable";
    longest = std::max(longest, expected.back().size());
    for (const double v : expected.back()) peak = std::max(peak, std::abs(v));
  }
  input.resize(longest, 0.0);
  const auto played = reference_response(weights, std::vector<std::vector<double>>(weights.inputs, input), static_cast<int>(input.size()));
  for (int o = 0; o < weights.outputs; ++o) {
    for (std::size_t n = 0; n < expected[o].size(); ++n) {
      if (!(std::abs(played[o][n] - expected[o][n]) <= tolerance * std::max(peak, 1e-9))) {
        return "self_test failed: output " + std::to_string(o) + " differs at sample " + std::to_string(n);
      }
    }
  }
  return {};
}

std::string make_self_test(const DelayNetworkWeights& weights) {
  // Long enough that every line has been heard once, short enough for a header.
  const int longest = *std::max_element(weights.delays.begin(), weights.delays.end());
  const int samples = std::min(longest + kSelfTestSamples, 4096);
  std::vector<double> input(static_cast<std::size_t>(samples), 0.0);
  input[0] = 1;
  const auto played = reference_response(weights, std::vector<std::vector<double>>(weights.inputs, input), static_cast<int>(input.size()));
  nlohmann::json json{{"input", std::vector<double>{1.0}}, {"tolerance", 1e-4}};
  for (const auto& row : played) {
    nlohmann::json list = nlohmann::json::array();
    for (const double v : row) list.push_back(static_cast<float>(v));
    json["output"].push_back(std::move(list));
  }
  return json.dump();
}

template <typename T>
Tensor view(const std::vector<T>& values, const char* dtype, std::vector<std::uint64_t> shape) {
  return {dtype, std::move(shape), {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)}};
}

std::string fill(const Container& file, DelayNetworkWeights& w) {
  std::vector<std::uint64_t> a, b, c, d, delays, line, output, early;
  for (const std::string& reason :
       {take(file, "A", "F32", a, 2, w.A), take(file, "B", "F32", b, 2, w.B), take(file, "C", "F32", c, 2, w.C), take(file, "D", "F32", d, 2, w.D),
        take(file, "delays", "I32", delays, 1, w.delays), take(file, "line_sos", "F64", line, 3, w.line_sos),
        take(file, "output_sos", "F64", output, 3, w.output_sos), take(file, "early", "F32", early, 3, w.early),
        metadata_number(file, "sample_rate_hz", 1000, 768000, w.sample_rate_hz), metadata_number(file, "early_ms", 0, 1e6, w.early_ms)}) {
    if (!reason.empty()) return reason;
  }
  if (file.tensors.size() != 8) return "an unknown tensor is in the file";
  const std::uint64_t n = a[0], i = b[1], o = c[0];
  if (n < 1 || n > kMaxLines || i < 1 || i > kMaxChannels || o < 1 || o > kMaxChannels) return "number of lines, inputs or outputs out of range";
  if (a[1] != n || b[0] != n || c[1] != n || d[0] != o || d[1] != i || delays[0] != n || line[0] != n || line[2] != 5 || output[0] != o ||
      output[2] != 5 || early[0] != o || early[1] != i) {
    return "tensor shapes do not fit together (A [N, N], B [N, I], C [O, N], D [O, I], delays [N], line_sos [N, S, 5], output_sos [O, S, 5], early [O, I, L])";
  }
  if (line[1] > kMaxSections || output[1] > kMaxSections || early[2] > static_cast<std::uint64_t>(kMaxEarly)) return "too many sections or taps";
  w.lines = static_cast<int>(n), w.inputs = static_cast<int>(i), w.outputs = static_cast<int>(o);
  w.line_sections = static_cast<int>(line[1]), w.output_sections = static_cast<int>(output[1]), w.early_samples = static_cast<int>(early[2]);
  return {};
}

/// Why these weights cannot be played, or an empty string.
std::string check_weights(const DelayNetworkWeights& w) {
  const auto n = static_cast<std::size_t>(w.lines), i = static_cast<std::size_t>(w.inputs), o = static_cast<std::size_t>(w.outputs);
  if (w.A.size() != n * n || w.B.size() != n * i || w.C.size() != o * n || w.D.size() != o * i || w.delays.size() != n ||
      w.line_sos.size() != n * w.line_sections * 5 || w.output_sos.size() != o * w.output_sections * 5 || w.early.size() != o * i * w.early_samples || n == 0) {
    return "tensor sizes do not fit together";
  }
  if (!all_finite(w.A) || !all_finite(w.B) || !all_finite(w.C) || !all_finite(w.D) || !all_finite(w.line_sos) || !all_finite(w.output_sos) || !all_finite(w.early)) {
    return "a value is infinite or not a number";
  }
  for (const std::int32_t m : w.delays) {
    if (m < 1 || m > kMaxDelay) return "a delay is out of range (1 to " + std::to_string(kMaxDelay) + " samples)";
  }
  for (const auto* sos : {&w.line_sos, &w.output_sos}) {
    for (std::size_t k = 0; k < sos->size(); k += 5) {
      const Biquad section{(*sos)[k], (*sos)[k + 1], (*sos)[k + 2], (*sos)[k + 3], (*sos)[k + 4]};
      if (!is_stable(section)) return "a filter section is not stable";
    }
  }
  return check_stability(w);
}

}  // namespace

Biquad DelayNetworkWeights::line_section(int line, int section) const {
  const double* q = line_sos.data() + 5 * (static_cast<std::size_t>(line) * line_sections + section);
  return {q[0], q[1], q[2], q[3], q[4]};
}

Biquad DelayNetworkWeights::output_section(int output, int section) const {
  const double* q = output_sos.data() + 5 * (static_cast<std::size_t>(output) * output_sections + section);
  return {q[0], q[1], q[2], q[3], q[4]};
}

LoadResult load_model(std::span<const std::uint8_t> bytes) {
  const auto refuse = [](std::string reason) { return LoadResult{nullptr, std::move(reason)}; };
  const Container file = parse_container(bytes, true);
  if (!file.ok()) return refuse(file.error);
  if (std::string reason = check_header(file); !reason.empty()) return refuse(std::move(reason));
  auto model = std::make_shared<Model>();
  model->kind = "delay_network";
  if (std::string reason = fill(file, model->network); !reason.empty()) return refuse(std::move(reason));
  if (std::string reason = check_weights(model->network); !reason.empty()) return refuse(std::move(reason));
  const auto test = file.metadata.find("self_test");
  if (test == file.metadata.end()) return refuse("metadata 'self_test' is missing");
  if (std::string reason = run_self_test(model->network, test->second); !reason.empty()) return refuse(std::move(reason));
  const auto provenance = file.metadata.find("provenance");
  if (provenance != file.metadata.end()) model->network.provenance = provenance->second;
  model->metadata = file.metadata;
  return {std::move(model), {}};
}

LoadResult load_model(const std::filesystem::path& path) {
  const FileBytes file = read_file(path, kMaxFileBytes);
  if (!file.error.empty()) return {nullptr, file.error};
  return load_model(std::span<const std::uint8_t>(file.bytes));
}

LoadResult make_model(DelayNetworkWeights weights) {
  if (std::string reason = check_weights(weights); !reason.empty()) return {nullptr, std::move(reason)};
  auto model = std::make_shared<Model>();
  model->kind = "delay_network";
  model->network = std::move(weights);
  return {std::move(model), {}};
}

SerializedWeights serialize_weights(const DelayNetworkWeights& w, const Metadata& extra) {
  if (std::string reason = check_weights(w); !reason.empty()) return {{}, std::move(reason)};
  const auto n = static_cast<std::uint64_t>(w.lines), i = static_cast<std::uint64_t>(w.inputs), o = static_cast<std::uint64_t>(w.outputs);
  std::map<std::string, Tensor, std::less<>> tensors;
  tensors["A"] = view(w.A, "F32", {n, n});
  tensors["B"] = view(w.B, "F32", {n, i});
  tensors["C"] = view(w.C, "F32", {o, n});
  tensors["D"] = view(w.D, "F32", {o, i});
  tensors["delays"] = view(w.delays, "I32", {n});
  tensors["line_sos"] = view(w.line_sos, "F64", {n, static_cast<std::uint64_t>(w.line_sections), 5});
  tensors["output_sos"] = view(w.output_sos, "F64", {o, static_cast<std::uint64_t>(w.output_sections), 5});
  tensors["early"] = view(w.early, "F32", {o, i, static_cast<std::uint64_t>(w.early_samples)});
  Metadata metadata{{"format", "diffverb-runtime"}, {"version", "1.0"}, {"kind", "delay_network"}, {"provenance", w.provenance}};
  metadata["sample_rate_hz"] = nlohmann::json(w.sample_rate_hz).dump();
  metadata["early_ms"] = nlohmann::json(w.early_ms).dump();
  metadata["self_test"] = make_self_test(w);
  for (const auto& [name, value] : extra) {
    if (name == "sha256" || !metadata.emplace(name, value).second) return {{}, "metadata '" + name + "' is a name of the format itself"};
  }
  SerializedContainer file = serialize_container(tensors, std::move(metadata));
  return {std::move(file.bytes), std::move(file.error)};
}

std::string write_weights(const std::filesystem::path& path, const DelayNetworkWeights& weights, const Metadata& metadata) {
  const SerializedWeights file = serialize_weights(weights, metadata);
  return file.error.empty() ? write_file_atomically(path, file.bytes) : file.error;
}

}  // namespace diffverb::runtime
