#include "runtime/weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

#include "runtime/biquad.h"
#include "runtime/checked_file.h"
#include "runtime/metadata.h"
#include "runtime/motion_file.h"
#include "runtime/moving_responses_file.h"
#include "runtime/network_check.h"
#include "runtime/nonlinear_file.h"
#include "runtime/pyfdn_network.h"
#include "runtime/safetensors.h"
#include "runtime/terms/term_file.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr const char* kLossless = "lossless";  // of the metadata, "true" or not there
constexpr std::array<const char*, 8> kTensors = {"A", "B", "C", "D", "delays", "line_sos", "output_sos", "early"};

std::string read_delay_network(const Container& file, DelayNetworkWeights& w) {
  std::vector<std::string> of_terms;
  if (std::string error = list_term_tensors(file, of_terms); !error.empty()) return error;
  for (const auto& [name, tensor] : file.tensors) {
    if (std::find(kTensors.begin(), kTensors.end(), name) == kTensors.end() && !is_motion_tensor(name) &&
        !is_moving_responses_tensor(name) && !is_nonlinear_tensor(name) &&
        std::find(of_terms.begin(), of_terms.end(), name) == of_terms.end())
      return "the tensor " + in_quotes(name) + " is unknown";
  }
  w.lines = w.inputs = w.outputs = w.line_sections = w.output_sections = w.early_samples = -1;
  int five = 5;
  std::string error = take(file, "delays", "I32", {&w.lines}, w.delays);
  if (error.empty()) error = take(file, "A", "F32", {&w.lines, &w.lines}, w.A);
  if (error.empty()) error = take(file, "B", "F32", {&w.lines, &w.inputs}, w.B);
  if (error.empty()) error = take(file, "C", "F32", {&w.outputs, &w.lines}, w.C);
  if (error.empty()) error = take(file, "D", "F32", {&w.outputs, &w.inputs}, w.D);
  if (error.empty()) error = take(file, "line_sos", "F64", {&w.lines, &w.line_sections, &five}, w.line_sos);
  if (error.empty()) error = take(file, "output_sos", "F64", {&w.outputs, &w.output_sections, &five}, w.output_sos);
  if (error.empty()) error = take(file, "early", "F32", {&w.outputs, &w.inputs, &w.early_samples}, w.early);
  if (error.empty()) error = read_motion(file, w);
  if (error.empty()) error = read_moving_responses(file, w.outputs, w.inputs, w.moving);
  if (error.empty()) error = read_terms(file, w.outputs, w.inputs, w.terms);
  if (error.empty()) error = read_nonlinear(file, w.lines, w.nonlinear);
  if (error.empty()) error = read_metadata_number(file, "sample_rate_hz", w.sample_rate_hz);
  if (error.empty()) error = read_metadata_number(file, "early_ms", w.early_ms);
  if (const std::string* provenance = find_metadata(file, "provenance")) w.provenance = *provenance;
  if (const std::string* lossless = find_metadata(file, kLossless); error.empty() && lossless) {
    if (*lossless != "true") return "metadata 'lossless' is " + in_quotes(*lossless) + ", expected 'true' or none";
    w.lossless = true;
  }
  return error;
}

LoadResult refuse(std::string reason) { return {nullptr, std::move(reason)}; }

LoadResult load_checked(std::span<const std::uint8_t> bytes) {
  const Container file = parse_container(bytes, true);
  if (!file.ok()) return refuse(file.error);
  auto model = std::make_shared<Model>();
  if (std::string error = check_header(file, model->kind); !error.empty()) return refuse(error);
  if (model->kind != kDelayNetwork)
    return refuse("kind " + in_quotes(model->kind) + " is not one that this program plays (" + kDelayNetwork + ")");
  if (std::string error = read_delay_network(file, model->network); !error.empty()) return refuse(error);
  if (std::string error = check_network(model->network); !error.empty()) return refuse(error);
  model->metadata = file.metadata;
  const std::string* test = find_metadata(file, "self_test");
  if (!test) return refuse("metadata 'self_test' is missing");
  if (std::string error = run_self_test(model, *test); !error.empty()) return refuse(error);
  return {std::move(model), {}};
}

/// The first version of the format that holds what these weights are.
const char* version_of(const DelayNetworkWeights& w) {
  if (!w.terms.empty() || w.nonlinear.is_there()) return kNewestVersion;
  return w.moves() || w.lines == 0 || w.moving.count > 0 ? kMotionVersion : kVersion;
}

SerializedWeights serialize_checked(const DelayNetworkWeights& w, const Metadata& extra) {
  if (std::string error = check_network(w); !error.empty()) return {{}, error};
  if (std::string error = check_provenance(w.provenance); !error.empty()) return {{}, error};
  std::map<std::string, Tensor, std::less<>> tensors{
      {"A", view(w.A, "F32", {w.lines, w.lines})},
      {"B", view(w.B, "F32", {w.lines, w.inputs})},
      {"C", view(w.C, "F32", {w.outputs, w.lines})},
      {"D", view(w.D, "F32", {w.outputs, w.inputs})},
      {"delays", view(w.delays, "I32", {w.lines})},
      {"line_sos", view(w.line_sos, "F64", {w.lines, w.line_sections, 5})},
      {"output_sos", view(w.output_sos, "F64", {w.outputs, w.output_sections, 5})},
      {"early", view(w.early, "F32", {w.outputs, w.inputs, w.early_samples})}};
  const MotionArrays motion(w);
  motion.add_to(tensors, w.lines);
  const NonlinearArrays nonlinear(w.nonlinear);
  nonlinear.add_to(tensors, w.lines);
  Metadata metadata{{"format", kFormat},
                    {"version", version_of(w)},
                    {"kind", kDelayNetwork},
                    {"sample_rate_hz", number_text(w.sample_rate_hz)},
                    {"early_ms", number_text(w.early_ms)},
                    {"provenance", w.provenance},
                    {"self_test", make_self_test(w)},
                    {"sha256", ""}};
  if (w.lossless) metadata[kLossless] = "true";
  const MovingResponsesTables tables(w.moving);
  add_moving_responses(w.moving, tables, w.outputs, w.inputs, tensors, metadata);
  add_terms(w.terms, w.term_shape(), tensors, metadata);
  for (const char* own : {kEqualPower, kLossless, kTerms}) {
    if (extra.contains(own)) return {{}, "metadata " + in_quotes(own) + " is the format's own"};
  }
  return serialize_loadable(tensors, std::move(metadata), extra, load_checked);
}

}  // namespace

double DelayNetworkWeights::depth_of(int line) const {
  double depth = 0;
  for (const DelayMotion& motion : delay_motions) depth += motion.line == line ? std::abs(motion.depth_samples) : 0;
  return depth;
}
Biquad DelayNetworkWeights::line_section(int line, int section) const {
  return section_at(line_sos, line * line_sections + section);
}
Biquad DelayNetworkWeights::output_section(int output, int section) const {
  return section_at(output_sos, output * output_sections + section);
}

LoadResult load_model(std::span<const std::uint8_t> bytes) {
  return load_guarded<LoadResult>([&] { return is_json(bytes) ? load_pyfdn(bytes) : load_checked(bytes); });
}

LoadResult load_model(const std::filesystem::path& path) {
  return load_guarded<LoadResult>(path, kMaxFileBytes, [&](std::span<const std::uint8_t> bytes) {
    return path.extension() == ".json" || is_json(bytes) ? load_pyfdn(bytes) : load_checked(bytes);
  });
}

LoadResult make_model(DelayNetworkWeights weights) {
  try {
    if (std::string error = check_network(weights); !error.empty()) return refuse(error);
    auto model = std::make_shared<Model>();
    model->kind = kDelayNetwork;
    model->network = std::move(weights);
    return {std::move(model), {}};
  } catch (const std::exception& error) {
    return refuse(std::string("cannot be made: ") + error.what());
  }
}

SerializedWeights serialize_weights(const DelayNetworkWeights& weights, const Metadata& metadata) {
  try {
    return serialize_checked(weights, metadata);
  } catch (const std::exception& error) {
    return {{}, std::string("cannot be serialised: ") + error.what()};
  }
}

std::string write_weights(const std::filesystem::path& path, const DelayNetworkWeights& weights,
                          const Metadata& metadata) {
  try {
    const SerializedWeights file = serialize_weights(weights, metadata);
    return file.error.empty() ? write_file_atomically(path, file.bytes) : file.error;
  } catch (const std::exception& error) {
    return std::string("cannot be written: ") + error.what();
  }
}

}  // namespace diffverb::runtime
