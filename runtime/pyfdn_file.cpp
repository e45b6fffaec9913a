#include "runtime/pyfdn_file.h"

#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <tuple>

#include "runtime/biquad.h"
#include "runtime/metadata.h"
#include "runtime/network_check.h"

namespace diffverb::runtime {
namespace {

using nlohmann::json;
using Limits = NetworkLimits;

constexpr int kDeepest = 64;  // levels of a document: pyFDN's own have 5, metadata may have more
struct TooDeep {};
constexpr std::array<const char*, 6> kRequired = {"feedback_matrix", "input_matrix", "output_matrix",
                                                  "direct_matrix",   "delays",       "sample_rate"};

std::string kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return in_quotes(value.get_ref<const std::string&>());
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    default:
      return value.dump();
  }
}

/// The word that stands at a byte of a text, with the sign before it left out.
std::string_view word_at(std::string_view text, std::size_t at) {
  const auto in_word = [&](std::size_t i) { return std::isalnum(static_cast<unsigned char>(text[i])) != 0; };
  if (text[at] == '-' && at + 1 < text.size()) ++at;
  std::size_t begin = at, end = at;
  while (begin > 0 && in_word(begin - 1)) --begin;
  while (end < text.size() && in_word(end)) ++end;
  return text.substr(begin, end - begin);
}

std::string parse_json(std::string_view text, json& out) {
  std::string key;  // the last one that was read: where the text is wrong
  const auto follow = [&](int depth, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::key) key = value.get<std::string>();
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= kDeepest) throw TooDeep();
    return true;
  };
  const auto where = [&] { return key.empty() ? std::string() : ", in " + in_quotes(key); };
  try {
    out = json::parse(text.begin(), text.end(), follow);
  } catch (const json::parse_error& error) {
    if (error.byte > text.size()) return "not JSON: it ends after " + std::to_string(text.size()) + " bytes" + where();
    const std::string_view word = word_at(text, error.byte > 0 ? error.byte - 1 : 0);
    if (word == "NaN" || word == "Infinity" || word == "nan" || word == "inf")
      return in_quotes(key) + " holds " + std::string(word) + ", expected finite numbers";
    return "not JSON at byte " + std::to_string(error.byte) + where();
  } catch (const TooDeep&) {
    return "more than " + std::to_string(kDeepest) + " levels of lists and objects" + where();
  } catch (const json::out_of_range&) {
    return in_quotes(key) + " holds a number beyond double precision, expected at most 1e6";
  }
  return {};
}

/// Numbers in nested lists of one shape.
struct Array {
  std::vector<std::uint64_t> shape;
  std::vector<double> values;
};

/// Reads one key's lists; says of what is wrong where it stands: "delays[3] is ...".
class ArrayReader {
 public:
  ArrayReader(const char* key, double largest) : key_(key), largest_(largest) {}

  std::string read(const json& value, Array& out) {
    for (const json* node = &value; node->is_array(); node = &node->front()) {
      out.shape.push_back(node->size());
      if (node->empty()) return {};  // no shape that anything has: refused by whoever knows the right one
    }
    if (out.shape.empty()) return std::string(key_) + " is " + kind_of(value) + ", expected lists of numbers";
    return fill(value, out);
  }

 private:
  std::string place() const {
    std::string text = key_;
    for (const std::size_t i : index_) text += "[" + std::to_string(i) + "]";
    return text;
  }

  std::string fill(const json& node, Array& out) {
    if (index_.size() == out.shape.size()) {
      if (!node.is_number()) return place() + " is " + kind_of(node) + ", expected a number";
      const double value = node.get<double>();
      if (!(std::abs(value) <= largest_))
        return place() + " is " + number_text(value) + ", expected at most " + number_text(largest_);
      out.values.push_back(value);
      return {};
    }
    const std::uint64_t size = out.shape[index_.size()];
    if (!node.is_array()) return place() + " is " + kind_of(node) + ", expected a list of " + std::to_string(size);
    if (node.size() != size)
      return place() + " has " + std::to_string(node.size()) + " entries, expected " + std::to_string(size);
    index_.push_back(0);
    for (const json& entry : node) {
      if (std::string error = fill(entry, out); !error.empty()) return error;
      ++index_.back();
    }
    index_.pop_back();
    return {};
  }

  const char* key_;
  double largest_;
  std::vector<std::size_t> index_;
};

/// A matrix whose extents lie in low..high; an extent of -1 is free and is given back.
std::string read_matrix(const json& build, const char* key, int* rows, int* columns, const char* expected,
                        std::vector<double>& out) {
  Array array;
  if (std::string error = ArrayReader(key, Limits::kGain).read(build.at(key), array); !error.empty()) return error;
  const auto fits = [](std::uint64_t extent, int* wanted) {
    if (*wanted < 0 && extent >= 1 && extent <= Limits::kLines) *wanted = static_cast<int>(extent);
    return static_cast<std::int64_t>(extent) == *wanted;
  };
  if (array.shape.size() != 2 || !fits(array.shape[0], rows) || !fits(array.shape[1], columns))
    return std::string(key) + " has shape " + shape_text(array.shape) + ", expected " + expected;
  out = std::move(array.values);
  return {};
}

std::string read_delays(const json& build, PyfdnBuild& out) {
  Array array;
  if (std::string error = ArrayReader("delays", 1e300).read(build.at("delays"), array); !error.empty()) return error;
  if (array.values.size() != static_cast<std::size_t>(out.lines))
    return "delays has " + std::to_string(array.values.size()) + " entries, expected " + std::to_string(out.lines) +
           ", one a line";
  for (const double delay : array.values) {
    if (!(delay >= 1 && delay <= Limits::kDelaySamples && delay == std::rint(delay)))
      return "delays[" + std::to_string(out.delays.size()) + "] is " + number_text(delay) +
             ", expected whole samples, 1 to " + std::to_string(Limits::kDelaySamples);
    out.delays.push_back(static_cast<std::int32_t>(delay));
  }
  return {};
}

/// [K, 6, channels] b0 b1 b2 a0 a1 a2, or null, or no such key.
std::string read_bank(const json& build, const char* key, int channels, const char* of, PyfdnBuild::Bank& out) {
  if (!build.contains(key) || build.at(key).is_null()) return {};
  Array array;
  if (std::string error = ArrayReader(key, Limits::kGain).read(build.at(key), array); !error.empty()) return error;
  const auto& shape = array.shape;
  if (shape.size() != 3 || shape[0] > Limits::kSections || shape[1] != 6 ||
      shape[2] != static_cast<std::uint64_t>(channels))
    return std::string(key) + " has shape " + shape_text(shape) + ", expected [sections, 6, " +
           std::to_string(channels) + "]: 1 to " + std::to_string(Limits::kSections) + " sections, six coefficients, " +
           of;
  out.sections = static_cast<int>(shape[0]);
  const auto width = static_cast<std::size_t>(channels);
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t k = 0; k < shape[0]; ++k) {
      const auto at = [&](std::size_t i) { return array.values[(k * 6 + i) * width + c]; };
      const auto place = [&](const std::string& middle) {
        return std::string(key) + "[" + std::to_string(k) + "]" + middle + "[" + std::to_string(c) + "]";
      };
      if (at(3) == 0) return place("[3]") + " (a0) is 0, expected 1";
      const Biquad f{at(0) / at(3), at(1) / at(3), at(2) / at(3), at(4) / at(3), at(5) / at(3)};
      for (const double value : {f.b0, f.b1, f.b2, f.a1, f.a2}) {
        if (!(std::abs(value) <= Limits::kGain)) return place("[3]") + " (a0) is too small, expected 1";
        out.sos.push_back(value);
      }
      if (!is_stable(f)) return place("[:]") + " is not a stable filter, expected poles within the unit circle";
    }
  }
  return {};
}

std::string check_head(const json& build) {
  const auto is = [&](const char* key, const json& wanted) -> std::string {
    if (!build.contains(key)) return std::string(key) + " is missing, expected " + wanted.dump();
    if (build.at(key) == wanted) return {};
    return std::string(key) + " is " + kind_of(build.at(key)) + ", expected " + wanted.dump();
  };
  if (std::string error = is("format", kPyfdnFormat); !error.empty()) return error;
  if (std::string error = is("version", kPyfdnVersion); !error.empty()) return error;
  std::string missing;
  for (const char* key : kRequired) {
    if (!build.contains(key)) missing += (missing.empty() ? "" : ", ") + std::string(key);
  }
  if (!missing.empty()) return missing + (missing.find(',') == std::string::npos ? " is missing" : " are missing");
  const json& rate = build.at("sample_rate");
  if (!rate.is_number() || !(rate.get<double>() >= 8000 && rate.get<double>() <= 768000))
    return "sample_rate is " + kind_of(rate) + ", expected 8000 to 768000";
  return {};
}

std::string read_build(const json& build, PyfdnBuild& out) {
  if (std::string error = check_head(build); !error.empty()) return error;
  out.sample_rate_hz = build.at("sample_rate").get<double>();
  int n = -1, columns = -1, inputs = -1, outputs = -1;
  std::string error = read_matrix(build, "feedback_matrix", &n, &columns, "[N, N], N from 1 to 256", out.A);
  if (!error.empty()) return error;
  const std::string lines = std::to_string(n);
  if (columns != n)
    return "feedback_matrix has shape [" + lines + ", " + std::to_string(columns) + "], expected [N, N]";
  error = read_matrix(build, "input_matrix", &n, &inputs, ("[" + lines + ", inputs], a row a line").c_str(), out.B);
  if (error.empty())
    error =
        read_matrix(build, "output_matrix", &outputs, &n, ("[outputs, " + lines + "], a column a line").c_str(), out.C);
  if (error.empty()) {
    const std::string wanted = "[" + std::to_string(outputs) + ", " + std::to_string(inputs) + "], outputs and inputs";
    error = read_matrix(build, "direct_matrix", &outputs, &inputs, wanted.c_str(), out.D);
  }
  if (!error.empty()) return error;
  for (const auto& [what, key, count] :
       {std::tuple("inputs", "input_matrix", inputs), std::tuple("outputs", "output_matrix", outputs)}) {
    if (count > Limits::kChannels)
      return std::string(key) + " has " + std::to_string(count) + " " + what + ", expected 1 to " +
             std::to_string(Limits::kChannels);
  }
  out.lines = n, out.inputs = inputs, out.outputs = outputs;
  error = read_delays(build, out);
  if (error.empty()) error = read_bank(build, "post_delay", n, "a cascade a line", out.post_delay);
  if (error.empty()) error = read_bank(build, "post_matrix", n, "a cascade a line", out.post_matrix);
  if (error.empty()) error = read_bank(build, "post_output", outputs, "a cascade an output", out.post_output);
  return error;
}

using nlohmann::ordered_json;

ordered_json rows(const std::vector<double>& values, int columns) {
  ordered_json out = ordered_json::array();
  const auto width = static_cast<std::size_t>(columns);
  for (std::size_t at = 0; at < values.size(); at += width)
    out.push_back(std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(at),
                                      values.begin() + static_cast<std::ptrdiff_t>(at + width)));
  return out;
}

ordered_json bank_json(const PyfdnBuild::Bank& bank, int channels) {
  if (bank.sections == 0) return nullptr;
  ordered_json out = ordered_json::array();
  const auto sections = static_cast<std::size_t>(bank.sections), width = static_cast<std::size_t>(channels);
  for (std::size_t k = 0; k < sections; ++k) {
    std::vector<std::vector<double>> section(6, std::vector<double>(width, 1.0));
    for (std::size_t c = 0; c < width; ++c) {
      const double* f = bank.sos.data() + 5 * (c * sections + k);
      for (std::size_t i = 0; i < 5; ++i) section[i < 3 ? i : i + 1][c] = f[i];
    }
    out.push_back(section);
  }
  return out;
}

}  // namespace

std::string parse_pyfdn(std::string_view text, PyfdnBuild& out) {
  if (text.size() > kMaxPyfdnBytes) return "larger than " + std::to_string(kMaxPyfdnBytes >> 20) + " MiB";
  json document;
  if (std::string error = parse_json(text, document); !error.empty()) return error;
  if (!document.is_object()) return "the document is " + kind_of(document) + ", expected an object";
  const json* build = &document;
  if (document.contains("build") && !document.contains("format")) {
    build = &document.at("build");
    if (!build->is_object()) return "build is " + kind_of(*build) + ", expected an object";
  }
  for (const json* holder : {static_cast<const json*>(&document), build}) {
    if (const auto found = holder->find("metadata"); found != holder->end() && found->is_object()) {
      out.metadata = found->dump();
      break;
    }
  }
  return read_build(*build, out);
}

std::string format_pyfdn(const PyfdnBuild& b) {
  ordered_json out{{"format", kPyfdnFormat},
                   {"version", kPyfdnVersion},
                   {"feedback_matrix", rows(b.A, b.lines)},
                   {"input_matrix", rows(b.B, b.inputs)},
                   {"output_matrix", rows(b.C, b.lines)},
                   {"direct_matrix", rows(b.D, b.inputs)},
                   {"delays", b.delays},
                   {"sample_rate", b.sample_rate_hz},
                   {"post_delay", bank_json(b.post_delay, b.lines)},
                   {"post_matrix", bank_json(b.post_matrix, b.lines)},
                   {"post_output", bank_json(b.post_output, b.outputs)}};
  if (ordered_json metadata = ordered_json::parse(b.metadata, nullptr, false);
      metadata.is_object() && !metadata.empty())
    out["metadata"] = std::move(metadata);
  return out.dump(2) + "\n";
}

}  // namespace diffverb::runtime
