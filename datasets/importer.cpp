#include "datasets/importer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <regex>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/printed.h"
#include "core/true_stereo.h"
#include "datasets/import_filter.h"
#include "datasets/licence.h"
#include "datasets/manifest.h"
#include "datasets/response_file.h"
#include "datasets/sofa.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPattern = "pattern:";

bool is_raw_name(const fs::path& path) {
  const std::string extension = lower_case(path.extension().string());
  for (const char* known : {".raw", ".pcm", ".bin", ".dat", ".ir"}) {
    if (extension == known) return true;
  }
  return false;
}

struct Source {
  fs::path path;     // to open
  std::string name;  // to keep
  fs::path root;     // as far up a licence is looked for
  std::string top;   // the room of a file that stands in no folder below the root
};

std::vector<Source> list_sources(const std::vector<fs::path>& inputs, bool raw) {
  std::vector<Source> sources;
  for (const fs::path& given : inputs) {
    const fs::path input = given.has_filename() ? given : given.parent_path();  // "rooms/" is "rooms"
    if (!fs::exists(input)) throw DataError(given.string() + ": no such file or folder");
    const fs::path absolute = fs::weakly_canonical(input);
    if (!fs::is_directory(input)) {
      sources.push_back(
          {input, input.filename().string(), input.parent_path(), absolute.parent_path().filename().string()});
      continue;
    }
    const std::string folder = absolute.filename().string();
    const std::size_t before = sources.size();
    std::error_code code;
    fs::recursive_directory_iterator entries(input, code);
    for (; !code && entries != fs::recursive_directory_iterator(); entries.increment(code)) {
      if (!entries->is_regular_file() || !(raw ? is_raw_name(entries->path()) : is_response_name(entries->path())))
        continue;
      const std::string name = entries->path().lexically_relative(input).generic_string();
      sources.push_back({entries->path(), inputs.size() > 1 ? folder + "/" + name : name, input, folder});
    }
    if (code) throw DataError(input.string() + ": cannot be listed: " + code.message());
    if (sources.size() == before)
      throw DataError(input.string() + (raw ? ": no raw file in it, expected .raw, .pcm, .bin, .dat or .ir"
                                            : ": no sound or SOFA file in it"));
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < sources.size(); ++i) {
    if (sources[i].name == sources[i - 1].name)
      throw DataError("two files would both be called '" + sources[i].name + "': " + sources[i - 1].path.string() +
                      " and " + sources[i].path.string() + "; import the folder above them instead");
  }
  return sources;
}

/// Room of a file by settings.room_by.
class RoomNames {
 public:
  explicit RoomNames(const std::string& by) : by_(by) {
    if (by == "folder" || by == "file") return;
    if (!by.starts_with(kPattern)) throw ConfigError("--room-by " + by + ": expected folder, file or pattern:REGEX");
    try {
      pattern_.emplace(by.substr(std::string(kPattern).size()));
    } catch (const std::regex_error&) {
      throw ConfigError("--room-by " + by + ": is not a regular expression");
    }
  }
  /// Throws a DataError where the pattern finds no room.
  std::string of(const Source& source) const {
    const fs::path name = source.name;
    if (by_ == "file") return name_of_pair(name).replace_extension().generic_string();
    if (by_ == "folder") return name.has_parent_path() ? name.parent_path().generic_string() : source.top;
    std::smatch match;
    if (!std::regex_search(source.name, match, *pattern_))
      throw DataError(source.path.string() + ": the pattern of --room-by does not match '" + source.name + "'");
    const std::string room = match.size() > 1 ? match[1] : match[0];
    if (room.empty())
      throw DataError(source.path.string() + ": the pattern of --room-by finds no text in '" + source.name + "'");
    return room;
  }

 private:
  std::string by_;
  std::optional<std::regex> pattern_;
};

class Importer {
 public:
  Importer(const ImportSettings& settings, ResponseStoreWriter& writer) : settings_(settings), writer_(writer) {
    if (!settings.manifest.empty()) manifest_ = Manifest::read(settings.manifest);
    const bool by_default = settings.room_by.empty();
    if (!by_default || manifest_.empty())
      rooms_ = std::make_unique<RoomNames>(by_default ? "folder" : settings.room_by);
  }

  ImportReport run() {
    const std::vector<Source> sources = list_sources(settings_.inputs, settings_.raw.has_value());
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::size_t before = writer_.size();
      if (!settings_.raw && is_sofa(sources[i].path)) {
        import_sofa(sources[i]);
      } else {
        import_sound(sources[i]);
      }
      report_.files += writer_.size() > before;
      if (settings_.progress) settings_.progress(i + 1, sources.size());
    }
    for (const ManifestRow* row : manifest_.unused())
      report_.warnings.push_back(settings_.manifest.string() + ":" + std::to_string(row->line) + ": '" + row->file +
                                 "' stands for none of the files");
    if (report_.files == 0 && !report_.skipped.empty())
      throw DataError("none of " + std::to_string(sources.size()) +
                      " files could be imported; the first: " + report_.skipped[0]);
    if (report_.files == 0)
      throw DataError(settings_.manifest.string() + ": names none of the " + std::to_string(sources.size()) +
                      " files, e.g. '" + sources[0].name + "'");
    return std::move(report_);
  }

 private:
  static bool is_sofa(const fs::path& path) { return lower_case(path.extension().string()) == ".sofa"; }

  /// What is known of a file without opening it; nothing where it is left out.
  std::optional<StoredResponse> known_of(const Source& source, const std::string& name) {
    StoredResponse r;
    r.file = name;
    r.licence = "";
    const ManifestRow* row = manifest_.find(name);
    if (!row) row = manifest_.find(source.name);
    if (row) {
      r.room = row->room;
      r.split = row->split;
      if (!row->licence.empty()) r.licence = row->licence;
    } else if (rooms_) {
      r.room = rooms_->of(source);
    } else {
      report_.left_out.push_back(name);
      return std::nullopt;
    }
    return r;
  }

  std::string licence_of(const Source& source) const {
    const std::string near = licence_near(source.path, source.root);
    return near != kUnknownLicence || settings_.licence.empty() ? near : settings_.licence;
  }

  void add(StoredResponse known, const Audio& audio) {
    if (audio.frames() == 0) throw DataError(known.file + ": no samples");
    find_true_stereo(known.file, audio);
    known.rate_hz = audio.rate_hz;
    for (std::size_t c = 0; c < audio.channels.size(); ++c) {
      known.channel = static_cast<int>(c);
      writer_.add(known, audio.channels[c]);
    }
  }

  /// Filter and gain.
  void process(const std::string& name, Audio& audio) const {
    const ImportFilter& filter = settings_.filter;
    if (!filter.taps.empty() && filter.rate_hz != audio.rate_hz)
      throw DataError(name + ": is at " + std::to_string(std::lround(audio.rate_hz)) + " Hz, expected the filter's " +
                      std::to_string(std::lround(filter.rate_hz)) + " Hz");
    for (auto& channel : audio.channels) apply_filter(filter, settings_.gain_db, channel);
  }

  /// Four channels, or a second stereo file of a pair; the left one of a pair comes before the right one.
  void find_true_stereo(const std::string& name, const Audio& audio) {
    const fs::path pair = name_of_pair(name);
    if (audio.channels.size() == 4 && !is_named_ambisonic(name)) {
      report_.true_stereo.push_back({name, {name}, order_in_name(name).value_or(kLoudspeakerFirst)});
    } else if (audio.channels.size() == 2 && pair != name) {
      auto& left = stereo_sides_[pair.string()];
      if (!left.empty()) report_.true_stereo.push_back({pair.string(), {left, name}, kLoudspeakerFirst});
      left = name;
    }
  }

  /// Runs `action`; a DataError of it is noted, or goes on where `strict` asks for that.
  template <class Action>
  void guarded(const Action& action) {
    try {
      action();
    } catch (const DataError& error) {
      if (settings_.strict) throw;
      report_.skipped.push_back(error.what());
    }
  }

  void import_sound(const Source& source) {
    std::optional<StoredResponse> known;
    Audio audio;
    guarded([&] {
      known = known_of(source, source.name);
      if (!known) return;
      Audio read = settings_.raw ? read_raw_audio(source.path, *settings_.raw, kMostChannelsImported)
                                 : read_audio(source.path, kMostChannelsImported);
      process(source.path.string(), read);
      audio = std::move(read);
    });
    if (!known || audio.frames() == 0) return;
    if (known->licence.empty()) known->licence = licence_of(source);
    add(*known, audio);  // what fails here is the disk, not the file
  }

  void import_sofa(const Source& source) {
    std::optional<SofaFile> sofa;
    guarded([&] { sofa.emplace(SofaFile::open(source.path)); });
    for (std::size_t i = 0; sofa && i < sofa->size(); ++i) {
      const std::string name = sofa->size() == 1 ? source.name : source.name + "#" + std::to_string(i);
      std::optional<StoredResponse> known;
      Audio audio;
      guarded([&] {
        known = known_of(source, name);
        if (!known) return;
        Audio read = sofa->read(i);
        process(name, read);
        audio = std::move(read);
      });
      if (!known || audio.frames() == 0) continue;
      if (known->licence.empty()) known->licence = licence_name(sofa->licence());
      if (known->licence == kUnknownLicence) known->licence = licence_of(source);
      known->source_m = sofa->source_m(i);
      known->receiver_m = sofa->listener_m(i);
      add(*known, audio);
    }
  }

  const ImportSettings& settings_;
  ResponseStoreWriter& writer_;
  Manifest manifest_;
  std::unique_ptr<RoomNames> rooms_;
  ImportReport report_;
  std::map<std::string, std::string> stereo_sides_;  // by the pair's name, the file that came first
};

}  // namespace

ImportReport import_responses(const ImportSettings& settings, ResponseStoreWriter& writer) {
  return Importer(settings, writer).run();
}

}  // namespace diffverb
