#include "datasets/response_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/printed.h"
#include "datasets/sofa.h"

namespace diffverb {
namespace {

struct SofaName {
  std::filesystem::path file;
  std::optional<std::size_t> index;
};

std::string extension_of(const std::filesystem::path& path) { return lower_case(path.extension().string()); }

/// "room.sofa" and "room.sofa#12"; nothing else.
std::optional<SofaName> sofa_name(const std::filesystem::path& path) {
  if (extension_of(path) == ".sofa") return SofaName{path, std::nullopt};
  const std::string text = path.string();
  const auto mark = text.rfind('#');
  if (mark == std::string::npos || extension_of(text.substr(0, mark)) != ".sofa") return std::nullopt;
  std::size_t index = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + mark + 1, end, index);
  if (error != std::errc() || stop != end)
    throw DataError(text + ": expected a number after '#', the response in the SOFA file, from 0");
  return SofaName{text.substr(0, mark), index};
}

std::mutex sofa_mutex;  // HDF5 takes several threads only where it was built for them

}  // namespace

bool is_response_name(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 7> kKnown{".wav", ".flac", ".aif", ".aiff", ".w64", ".caf", ".ogg"};
  return sofa_name(path) || std::find(kKnown.begin(), kKnown.end(), extension_of(path)) != kKnown.end();
}

std::vector<std::filesystem::path> responses_in(const std::filesystem::path& file) {
  const auto sofa = sofa_name(file);
  if (!sofa || sofa->index) return {file};
  const std::lock_guard lock(sofa_mutex);
  const std::size_t count = SofaFile::open(sofa->file).size();
  if (count == 1) return {file};
  std::vector<std::filesystem::path> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(file.string() + "#" + std::to_string(i));
  return names;
}

std::vector<std::int64_t> promised_samples(const std::vector<std::filesystem::path>& responses) {
  const std::lock_guard lock(sofa_mutex);
  std::vector<std::int64_t> out;
  std::map<std::filesystem::path, std::int64_t> sofa_samples;  // all responses of a file are of one length
  for (const std::filesystem::path& response : responses) {
    try {
      const auto name = sofa_name(response);
      if (name && !sofa_samples.count(name->file)) {
        sofa_samples[name->file] = 0;
        sofa_samples[name->file] = static_cast<std::int64_t>(SofaFile::open(name->file).samples_of_one());
      }
      out.push_back(name ? sofa_samples[name->file] : promised_samples(response));
    } catch (const DataError&) {
      out.push_back(0);
    }
  }
  return out;
}

Audio read_response(const std::filesystem::path& path, int most_channels) {
  const auto name = sofa_name(path);
  if (!name) return read_audio(path, most_channels);
  const std::lock_guard lock(sofa_mutex);
  const SofaFile sofa = SofaFile::open(name->file);
  if (!name->index && sofa.size() > 1)
    throw DataError(path.string() + ": holds " + std::to_string(sofa.size()) + " responses; name one of them, e.g. " +
                    path.string() + "#0 (to #" + std::to_string(sofa.size() - 1) + ")");
  if (sofa.channels() > static_cast<std::size_t>(most_channels))
    throw DataError(path.string() + ": " + std::to_string(sofa.channels()) + " receivers, expected 1 to " +
                    std::to_string(most_channels));
  return sofa.read(name->index.value_or(0));
}

}  // namespace diffverb
