#include "runtime/pyfdn_network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "runtime/metadata.h"
#include "runtime/network_check.h"
#include "runtime/pyfdn_file.h"
#include "runtime/pyfdn_filter_lines.h"
#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

using SectionValues = std::array<double, 5>;

std::vector<SectionValues> sections_of(const PyfdnBuild::Bank& bank, std::size_t channel) {
  std::vector<SectionValues> out(size(bank.sections));
  for (std::size_t k = 0; k < out.size(); ++k)
    std::copy_n(bank.sos.data() + 5 * (channel * out.size() + k), 5, out[k].begin());
  return out;
}

/// What stands after the feedback matrix in one line: a gain, and the sections that are more than one.
struct Feedback {
  double gain = 1;
  std::vector<SectionValues> sections;
};

std::vector<Feedback> feedback_of(const PyfdnBuild& build) {
  std::vector<Feedback> out(size(build.lines));
  for (std::size_t j = 0; build.post_matrix.sections > 0 && j < out.size(); ++j) {
    for (const SectionValues& f : sections_of(build.post_matrix, j)) {
      if (f[1] == 0 && f[2] == 0 && f[3] == 0 && f[4] == 0)
        out[j].gain *= f[0];
      else
        out[j].sections.push_back(f);
    }
  }
  return out;
}

std::vector<float> to_float(const std::vector<double>& values) { return {values.begin(), values.end()}; }
std::vector<double> to_double(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// The lines of the network: each of the build's, and a second one where a filter follows the matrix and there is
/// input, which must not pass through it.
struct LinePlan {
  std::vector<std::size_t> source;  // line -> line of the build
  std::vector<Feedback> feedback;   // of the build's lines
  std::size_t lines = 0;            // of the build; those behind are second ones
  std::vector<bool> has_second;     // of the build's lines

  explicit LinePlan(const PyfdnBuild& build) : feedback(feedback_of(build)), lines(size(build.lines)) {
    const std::size_t inputs = size(build.inputs);
    for (std::size_t j = 0; j < lines; ++j) source.push_back(j);
    for (std::size_t j = 0; j < lines; ++j) {
      const double* gains = build.B.data() + j * inputs;
      has_second.push_back(!feedback[j].sections.empty() &&
                           std::any_of(gains, gains + inputs, [](double gain) { return gain != 0; }));
      if (has_second[j]) source.push_back(j);
    }
  }
};

void fill_matrices(const PyfdnBuild& build, const LinePlan& plan, DelayNetworkWeights& w) {
  const std::size_t n = plan.source.size(), inputs = size(build.inputs);
  w.A.assign(n * n, 0.0f);
  w.B.assign(n * inputs, 0.0f);
  for (std::size_t j = 0; j < n; ++j) {
    const std::size_t from = plan.source[j];
    const bool second = j >= plan.lines;
    for (std::size_t k = 0; !second && k < n; ++k)
      w.A[j * n + k] = static_cast<float>(plan.feedback[from].gain * build.A[from * plan.lines + plan.source[k]]);
    for (std::size_t i = 0; (second || !plan.has_second[from]) && i < inputs; ++i)
      w.B[j * inputs + i] = static_cast<float>(build.B[from * inputs + i]);
    w.delays.push_back(build.delays[from]);
  }
  for (std::size_t o = 0; o < size(build.outputs); ++o) {
    for (const std::size_t from : plan.source) w.C.push_back(static_cast<float>(build.C[o * plan.lines + from]));
  }
}

void fill_line_filters(const PyfdnBuild& build, const LinePlan& plan, DelayNetworkWeights& w) {
  std::size_t most = 0;
  for (const Feedback& feedback : plan.feedback) most = std::max(most, feedback.sections.size());
  w.line_sections = static_cast<int>(most) + build.post_delay.sections;
  for (std::size_t j = 0; j < plan.source.size(); ++j) {
    std::vector<SectionValues> cascade;
    if (j < plan.lines) cascade = plan.feedback[j].sections;
    cascade.resize(most, {1, 0, 0, 0, 0});
    const std::vector<SectionValues> decay = sections_of(build.post_delay, plan.source[j]);
    cascade.insert(cascade.end(), decay.begin(), decay.end());
    for (const SectionValues& f : cascade) w.line_sos.insert(w.line_sos.end(), f.begin(), f.end());
  }
}

std::string to_network(const PyfdnBuild& build, DelayNetworkWeights& w) {
  const LinePlan plan(build);
  if (plan.source.size() > size(NetworkLimits::kLines))
    return "post_matrix: with its filters the network has " + std::to_string(plan.source.size()) +
           " lines, expected at most " + std::to_string(NetworkLimits::kLines);
  if (build.post_delay.sections + build.post_matrix.sections > NetworkLimits::kSections)
    return "post_delay and post_matrix: more than " + std::to_string(NetworkLimits::kSections) + " sections together";
  w.sample_rate_hz = build.sample_rate_hz;
  w.lines = static_cast<int>(plan.source.size());
  w.inputs = build.inputs;
  w.outputs = build.outputs;
  fill_matrices(build, plan, w);
  fill_line_filters(build, plan, w);
  w.output_sections = build.post_output.sections;
  w.output_sos = build.post_output.sos;
  w.D = to_float(build.D);
  const bool direct = std::any_of(w.D.begin(), w.D.end(), [](float gain) { return gain != 0; });
  if (w.output_sections > 0 && direct) {
    w.early = w.D;
    w.early_samples = 1;
    std::fill(w.D.begin(), w.D.end(), 0.0f);
  }
  w.provenance = build.metadata;
  return {};
}

/// A loop that keeps its energy is taken as such.
std::string check(DelayNetworkWeights& w) {
  w.lossless = true;
  if (const std::string error = check_network(w); !error.empty())
    return error.rfind("the network", 0) == 0 ? "feedback_matrix with its filters: " + error : error;
  w.lossless = false;
  w.lossless = !check_network(w).empty();
  return {};
}

bool any(const float* begin, const float* end) {
  return std::any_of(begin, end, [](float value) { return value != 0; });
}

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", 1000 * seconds);
  return text;
}

/// Splits what stands beside the network into what a direct matrix can be, and what is left out.
std::string take_direct(const DelayNetworkWeights& w, std::vector<double>& direct) {
  direct = to_double(w.D);
  const std::size_t taps = size(w.early_samples);
  bool longer = false;
  for (std::size_t row = 0; taps > 0 && row < direct.size(); ++row) {
    const float* early = w.early.data() + row * taps;
    direct[row] += early[0];
    longer = longer || any(early + 1, early + taps);
  }
  std::string left_out;
  if (longer)
    left_out = "early " + shape_text({size(w.outputs), size(w.inputs), taps}) +
               ", the FIR beside the network: the first " + milliseconds(w.early_samples / w.sample_rate_hz) +
               " play as the network alone has them";
  if (w.output_sections > 0 && any(w.D.data(), w.D.data() + w.D.size()))
    left_out += std::string(left_out.empty() ? "" : "; ") + "output_sos for D, which stays " +
                shape_text({size(w.outputs), size(w.inputs)}) +
                ": the direct sound is not equalised, only that of the lines";
  if (w.moving.count > 0)
    left_out += std::string(left_out.empty() ? "" : "; ") + "moving_early, " + std::to_string(w.moving.count) +
                " responses beside the network";
  if (!w.terms.empty())
    left_out += std::string(left_out.empty() ? "" : "; ") + "terms, " + std::to_string(w.terms.size()) +
                " beside the network that are not linear";
  return left_out;
}

/// A linear network at rest, and what that leaves out.
std::string take_motion(DelayNetworkWeights& w) {
  std::string left_out;
  if (!w.delay_motions.empty())
    left_out = "delay_motions " + shape_text({w.delay_motions.size(), 4}) + ": the delays stand still";
  if (!w.turning.empty())
    left_out += std::string(left_out.empty() ? "" : "; ") + "turning " + shape_text({w.turning.size(), 9}) +
                ": the feedback matrix stands still, as it is at rest";
  if (w.nonlinear.is_there())
    left_out += std::string(left_out.empty() ? "" : "; ") + "nonlinear " + shape_text({10}) + ": the loop is linear";
  w.nonlinear = {};
  w.delay_motions.clear(), w.turning.clear(), w.turn_left.clear(), w.turn_right.clear();
  return left_out;
}

PyfdnText make_checked(const DelayNetworkWeights& weights) {
  PyfdnText out;
  if (out.error = check_network(weights); !out.error.empty()) return out;
  if (weights.lines == 0) {
    out.error = "it is a response without lines: a build of pyFDN needs a delay";
    return out;
  }
  DelayNetworkWeights w, still = weights;
  const std::string motion = take_motion(still);
  if (out.error = absorb_filter_lines(still, w); !out.error.empty()) return out;
  if (out.error = check_provenance(w.provenance); !out.error.empty()) return out;
  PyfdnBuild build;
  build.sample_rate_hz = w.sample_rate_hz;
  build.lines = w.lines, build.inputs = w.inputs, build.outputs = w.outputs;
  build.A = to_double(w.A), build.B = to_double(w.B), build.C = to_double(w.C);
  build.delays = w.delays;
  build.post_delay = {w.line_sections, w.line_sos};
  build.post_output = {w.output_sections, w.output_sos};
  out.left_out = take_direct(w, build.D);
  if (!motion.empty()) out.left_out += (out.left_out.empty() ? "" : "; ") + motion;
  nlohmann::ordered_json metadata = nlohmann::ordered_json::parse(w.provenance);
  if (!out.left_out.empty()) metadata["left_out"] = out.left_out;
  build.metadata = metadata.dump();
  out.text = format_pyfdn(build);
  out.error = load_pyfdn({reinterpret_cast<const std::uint8_t*>(out.text.data()), out.text.size()}).error;
  if (!out.error.empty()) out.text.clear();
  return out;
}

std::vector<std::uint8_t> first_bytes(const std::filesystem::path& path, std::size_t most) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) return {};
  std::vector<std::uint8_t> bytes(std::min<std::size_t>(most, std::filesystem::file_size(path, code)));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

}  // namespace

bool is_json(std::span<const std::uint8_t> bytes) {
  // A safetensors file begins with the length of its header, of which the upper bytes are zero.
  if (bytes.size() >= 8 && bytes[7] == 0) return false;
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) {
    return byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n';
  });
  return first != bytes.end() && (*first == '{' || *first == '[');
}

bool is_json_file(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return false;
  return path.extension() == ".json" || is_json(first_bytes(path, 4096));
}

bool names_pyfdn(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> bytes = first_bytes(path, kMaxPyfdnBytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.find(kPyfdnFormat) != std::string_view::npos;
}

LoadResult load_pyfdn(std::span<const std::uint8_t> bytes) {
  PyfdnBuild build;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  auto model = std::make_shared<Model>();
  model->kind = kDelayNetwork;
  model->metadata = {{"format", kPyfdnFormat}, {"version", std::to_string(kPyfdnVersion)}};
  std::string error = parse_pyfdn(text, build);
  if (error.empty()) error = to_network(build, model->network);
  if (error.empty()) error = check(model->network);
  if (!error.empty()) return {nullptr, error};
  return {std::move(model), {}};
}

PyfdnText make_pyfdn(const DelayNetworkWeights& weights) {
  try {
    return make_checked(weights);
  } catch (const std::exception& error) {
    return {{}, {}, std::string("cannot be made: ") + error.what()};
  }
}

}  // namespace diffverb::runtime
