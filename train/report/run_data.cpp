#include "train/report/run_data.h"

#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "core/files.h"
#include "train/report/chart.h"

namespace diffverb::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json parse_object(const fs::path& path, const std::string& text, const std::string& place) {
  json out = json::parse(text, nullptr, false);
  if (!out.is_object()) throw DataError(path.string() + place + ": not a JSON object");
  return out;
}

}  // namespace

LossLog read_loss_log(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw DataError(path.string() + ": cannot be opened for reading");
  LossLog out;
  std::map<std::string, std::size_t> columns;
  std::string line;
  for (int row = 1; std::getline(file, line); ++row) {
    if (line.empty()) continue;
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object()) {
      if (file.eof()) break;  // a run that was killed leaves half a line
      throw DataError(path.string() + ":" + std::to_string(row) + ": not a JSON object");
    }
    out.step.push_back(number_at(entry, {"step"}));
    out.total.push_back(number_at(entry, {"loss"}));
    out.rate.push_back(number_at(entry, {"rate"}));
    out.gradient_norm.push_back(number_at(entry, {"gradient_norm"}));
    for (auto& [name, values] : out.terms) values.push_back(kNan);
    if (!entry.contains("terms") || !entry["terms"].is_object()) continue;
    for (const auto& [name, value] : entry["terms"].items()) {
      const auto [at, is_new] = columns.emplace(name, out.terms.size());
      if (is_new) out.terms.emplace_back(name, std::vector<double>(out.step.size(), kNan));
      if (value.is_number()) out.terms[at->second].second.back() = value.get<double>();
    }
  }
  return out;
}

json read_json_object(const fs::path& path) { return parse_object(path, read_file(path), ""); }

namespace {

/// Metadata of a safetensors file; the tensors stay on disk. The strict reader is the runtime's: this one only shows.
std::map<std::string, std::string> read_weights_metadata(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char length[8];
  if (!file.read(reinterpret_cast<char*>(length), 8))
    throw DataError(path.string() + ": too short for a safetensors file");
  std::uint64_t size = 0;
  for (int k = 7; k >= 0; --k) size = size << 8 | length[k];
  const std::uint64_t file_size = fs::file_size(path);
  if (size > file_size - 8)
    throw DataError(path.string() + ": the header of the safetensors file is longer than the file");
  std::string text(size, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) throw DataError(path.string() + ": cannot be read");
  const json header = parse_object(path, text, ": header of the safetensors file");
  std::map<std::string, std::string> out;
  std::string tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__" || !entry.is_object()) continue;
    tensors += (tensors.empty() ? "" : ", ") + name;
    if (entry.contains("shape")) tensors += " " + entry["shape"].dump();
  }
  out["tensors"] = tensors;
  out["file_bytes"] = std::to_string(file_size);
  if (!header.contains("__metadata__") || !header["__metadata__"].is_object()) return out;
  for (const auto& [key, value] : header["__metadata__"].items()) {
    if (key != "self_test" && value.is_string()) out[key] = value.get<std::string>();
  }
  return out;
}

/// Reads a file with `read` where it exists, and says what is left out of the page where not.
template <class Read>
bool read_if_there(RunData& run, const char* file, const char* what_is_left_out, Read read) {
  const fs::path path = run.folder / file;
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    run.missing.push_back(std::string("There is no ") + file + " in this run folder: " + what_is_left_out + ".");
    return false;
  }
  read(path);
  return true;
}

void check_pair(const RunData& run) {
  if (!run.target || !run.fit) return;
  const Audio &a = *run.target, &b = *run.fit;
  if (a.rate_hz == b.rate_hz && a.channels.size() == b.channels.size()) return;
  const auto describe = [](const Audio& audio) {
    return std::to_string(audio.channels.size()) + " channels at " + std::to_string(std::lround(audio.rate_hz)) + " Hz";
  };
  throw DataError(run.folder.string() + ": target.wav has " + describe(a) + ", ir.wav " + describe(b) +
                  "; expected the same");
}

}  // namespace

RunData read_run(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) throw DataError(folder.string() + ": no such run folder");
  if (!fs::is_directory(folder, error))
    throw DataError(folder.string() + ": not a folder; expected a run folder of diffverb fit or diffverb train");
  RunData run;
  run.folder = folder;
  run.name = fs::weakly_canonical(folder).filename().string();
  bool any = false;
  const auto audio = [](std::optional<Audio>& into) {
    return [&into](const fs::path& path) { into = read_audio(path); };
  };
  any |= read_if_there(run, "target.wav", "what compares with the target is left out", audio(run.target));
  any |= read_if_there(run, "ir.wav", "what compares with the fit is left out", audio(run.fit));
  any |= read_if_there(run, "metrics.json", "the figures and the table of bands are left out",
                       [&](const fs::path& path) { run.metrics = read_json_object(path); });
  any |= read_if_there(run, "losses.jsonl", "the loss curves are left out",
                       [&](const fs::path& path) { run.losses = read_loss_log(path); });
  any |= read_if_there(run, "config.resolved.yaml", "the settings are left out",
                       [&](const fs::path& path) { run.config_yaml = read_file(path); });
  any |= read_if_there(run, "weights.safetensors", "the provenance of the weights is left out",
                       [&](const fs::path& path) { run.weights = read_weights_metadata(path); });
  if (!any) {
    throw DataError(folder.string() +
                    ": holds none of target.wav, ir.wav, metrics.json, losses.jsonl, config.resolved.yaml, "
                    "weights.safetensors; expected a run folder of diffverb fit or diffverb train");
  }
  read_if_there(run, "dry.wav", "the dry sound is made anew", audio(run.dry));
  read_if_there(run, "wet.wav", "the dry sound through the fit is made by convolution with ir.wav, not by the runtime",
                audio(run.wet));
  read_if_there(run, "log", "the log is left out", [&](const fs::path& path) { run.log = read_file(path); });
  check_pair(run);
  return run;
}

double number_at(const json& object, std::initializer_list<const char*> keys) {
  const json* at = &object;
  for (const char* key : keys) {
    if (!at->is_object() || !at->contains(key)) return kNan;
    at = &(*at)[key];
  }
  return at->is_number() ? at->get<double>() : kNan;
}

std::string text_at(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

}  // namespace diffverb::report
