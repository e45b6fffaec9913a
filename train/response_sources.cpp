#include "train/response_sources.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/log.h"
#include "datasets/response_file.h"
#include "datasets/response_store.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// The folder that a file lies in within the one that was given; else each file is a room.
std::string room_of(const fs::path& path, const fs::path& given) {
  const fs::path folder = path.parent_path();
  if (fs::is_directory(given) && fs::weakly_canonical(folder) != fs::weakly_canonical(given))
    return folder.filename().string();
  const std::string name = path.filename().string();
  return name.substr(0, name.find('#'));
}

/// The sound files that a name stands for, and the responses in them.
void add_files(const std::string& name, int& exit_code, std::vector<ResponseSource>& sources) {
  std::vector<std::string> files;
  if (!fs::is_directory(name)) {
    files.push_back(name);
  } else {
    for (const auto& entry : fs::recursive_directory_iterator(name)) {
      if (entry.is_regular_file() && is_response_name(entry.path())) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    if (files.empty()) throw DataError(name + ": has no sound file in it");
  }
  for (const std::string& file : files) {
    guarded(file, exit_code, [&] {
      for (const auto& path : responses_in(file))
        sources.push_back({path.string(), [path, name] {
                             return EvaluatedResponse{path.string(), room_of(path, name), 0, read_response(path)};
                           }});
    });
  }
}

/// The examples of one split of a data file, each a channel.
void add_store(const std::string& path, const std::string& split, std::vector<ResponseSource>& sources) {
  const auto store = std::make_shared<const ResponseStore>(ResponseStore::open(path));
  const std::size_t before = sources.size();
  for (std::size_t i = 0; i < store->size(); ++i) {
    const StoredResponse& response = store->at(i);
    if (split != "all" && response.split != split) continue;
    sources.push_back({response.file + ", channel " + std::to_string(response.channel + 1), [store, i] {
                         const StoredResponse& r = store->at(i);
                         return EvaluatedResponse{r.file, r.room, r.channel, {r.rate_hz, {store->read(i)}}};
                       }});
  }
  if (sources.size() == before)
    throw DataError(path + ": no responses in the split '" + split + "'; see diffverb data split, or --split all");
}

bool is_store(const std::string& name) {
  const std::string extension = fs::path(name).extension().string();
  return extension == ".h5" || extension == ".hdf5";
}

}  // namespace

void tell(const DataError& error, const std::string& name, int& exit_code) {
  const std::string message = error.what();
  log().error(message.rfind(name, 0) == 0 ? message : name + ": " + message);
  exit_code = error.exit_code();
}

std::vector<ResponseSource> response_sources(const std::vector<std::string>& names, const std::string& split,
                                             int& exit_code) {
  std::vector<ResponseSource> sources;
  for (const std::string& name : names) {
    guarded(name, exit_code, [&] {
      if (is_store(name)) return add_store(name, split, sources);
      add_files(name, exit_code, sources);
    });
  }
  return sources;
}

}  // namespace diffverb
