#include "runtime/live/preset.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "runtime/live/path_text.h"
#include "runtime/metadata.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kPresetFormat = "diffverb-preset";
constexpr int kPresetVersion = 1;
constexpr std::uint64_t kMostBytes = 1 << 20;
constexpr int kDeepest =
    8;  // levels of a document; a preset has 2. Each is one of the stack's where a value is written.
struct TooDeep {};

/// Parses an object whose keys are all different; returns the reason otherwise. Throws: TooDeep.
std::string parse(std::string_view text, json& object) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  object = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json& parsed) {
        const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
        if (opens && depth >= kDeepest) throw TooDeep();
        if (event == json::parse_event_t::object_start) keys.emplace_back();
        if (event == json::parse_event_t::object_end) keys.pop_back();
        if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
          twice = parsed.get<std::string>();
        return true;
      },
      false);
  if (!object.is_object()) return "not the JSON text of an object";
  return twice.empty() ? std::string() : in_quotes(twice) + " is there twice";
}

std::string read_controls(const json& named, ControlValues& values) {
  if (!named.is_object()) return "'controls' is not an object";
  for (const auto& [id, value] : named.items()) {
    const auto control = find_control(id);
    if (!control) return "the control " + in_quotes(id) + " is unknown";
    const ControlInfo& c = info(*control);
    if (!value.is_number() || !(value.get<double>() >= c.lowest && value.get<double>() <= c.highest))
      return "the control '" + id + "' is " + in_quotes(value.dump(-1, ' ', true, json::error_handler_t::replace)) +
             ", expected " + number_text(c.lowest) + " to " + number_text(c.highest);
    values[static_cast<std::size_t>(*control)] = value.get<double>();
  }
  return {};
}

std::string read_fields(const json& object, const fs::path& folder, Preset& preset) {
  const auto text = [&](const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (text("format") != kPresetFormat) return std::string("not a preset: 'format' is not '") + kPresetFormat + "'";
  const auto version = object.find("version");
  if (version == object.end() || !version->is_number_integer() || version->get<long long>() < 1)
    return "'version' is not a whole number from 1 on";
  if (version->get<long long>() > kPresetVersion)
    return "version " + version->dump() + " is newer than what this program reads (" + std::to_string(kPresetVersion) +
           ")";
  for (const auto& [key, value] : object.items()) {
    if (key == "format" || key == "version") continue;
    if (key == "controls") {
      if (std::string error = read_controls(value, preset.values); !error.empty()) return error;
    } else if (key != "name" && key != "model") {
      return in_quotes(key) + " is unknown";
    } else if (!value.is_string()) {
      return "'" + key + "' is not a text";
    }
  }
  preset.name = text("name");
  if (const std::string model = text("model"); !model.empty())
    preset.model = (folder / path_of(model)).lexically_normal();
  return {};
}

}  // namespace

PresetResult read_preset(std::string_view text, const fs::path& folder) {
  PresetResult result;
  try {
    json object;
    result.error = parse(text, object);
    if (result.error.empty()) result.error = read_fields(object, folder, result.preset);
  } catch (const TooDeep&) {
    result.error = "more than " + std::to_string(kDeepest) + " levels of lists and objects";
  } catch (const std::exception& error) {
    result.error = std::string("cannot be read: ") + error.what();
  }
  if (!result.error.empty()) result.preset = {};
  return result;
}

PresetResult load_preset(const fs::path& path) {
  const FileBytes file = read_file(path, kMostBytes);
  if (!file.error.empty()) return {{}, file.error};
  return read_preset({reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()}, path.parent_path());
}

std::vector<fs::path> preset_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".json") files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string preset_text(const Preset& preset, const fs::path& folder) {
  nlohmann::ordered_json object{{"format", kPresetFormat}, {"version", kPresetVersion}, {"name", preset.name}};
  if (!preset.model.empty()) {
    std::error_code code;
    const fs::path near =
        folder.empty() ? fs::path() : fs::absolute(preset.model, code).lexically_relative(fs::absolute(folder, code));
    object["model"] = path_text(near.empty() ? preset.model : near);
  }
  for (std::size_t i = 0; i < preset.values.size(); ++i) object["controls"][controls()[i].id] = preset.values[i];
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string write_preset(const fs::path& path, const Preset& preset) {
  const std::string text = preset_text(preset, path.parent_path());
  return write_file_atomically(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Preset preset_of(const LiveReverb& reverb, std::string name) {
  Preset preset;
  preset.name = std::move(name);
  preset.model = path_of(reverb.playing().path);
  for (std::size_t i = 0; i < preset.values.size(); ++i) preset.values[i] = reverb.get(static_cast<Control>(i));
  return preset;
}

std::string apply(const Preset& preset, LiveReverb& reverb) {
  for (std::size_t i = 0; i < preset.values.size(); ++i) reverb.set(static_cast<Control>(i), preset.values[i]);
  return preset.model.empty() ? reverb.load(std::shared_ptr<const Source>()) : reverb.load(preset.model);
}

}  // namespace diffverb::runtime
