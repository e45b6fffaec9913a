#include "datasets/response_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "core/sha256.h"
#include "datasets/response_store_file.h"

namespace diffverb {
namespace {

static_assert(std::endian::native == std::endian::little, "the pool is read as it stands in the file");

constexpr const char* kFormat = "diffverb responses";
constexpr int kMajor = 1;
constexpr const char* kVersion = "1.0";
constexpr const char* kPool = "samples";
constexpr std::size_t kBlockSamples = std::size_t{1} << 20;

using Positions = std::optional<std::array<double, 3>> StoredResponse::*;

std::vector<double> position_column(const std::vector<StoredResponse>& responses, Positions member) {
  std::vector<double> column;
  for (const StoredResponse& response : responses) {
    const auto& position = response.*member;
    for (std::size_t axis = 0; axis < 3; ++axis)
      column.push_back(position ? (*position)[axis] : std::numeric_limits<double>::quiet_NaN());
  }
  return column;
}

template <class T, class Get>
std::vector<T> column_of(const std::vector<StoredResponse>& responses, Get get) {
  std::vector<T> column;
  column.reserve(responses.size());
  for (const StoredResponse& response : responses) column.push_back(get(response));
  return column;
}

constexpr std::pair<const char*, std::string StoredResponse::*> kTextColumns[] = {
    {"file", &StoredResponse::file},     {"room", &StoredResponse::room},   {"licence", &StoredResponse::licence},
    {"origin", &StoredResponse::origin}, {"split", &StoredResponse::split}, {"hash", &StoredResponse::hash},
};

void check_format(const Hdf5File& file) {
  const std::string where = file.path().string() + ": ";
  if (!file.has_attribute("/", "format"))
    throw DataError(where + "an HDF5 file, but not a data file of responses (it has no attribute 'format'); diffverb " +
                    "data import makes one");
  if (const std::string format = file.string_attribute("/", "format"); format != kFormat)
    throw DataError(where + "attribute 'format' is '" + format + "', expected '" + kFormat + "'");
  const std::string version = file.string_attribute("/", "version");
  const int major = std::atoi(version.c_str());
  if (major > kMajor)
    throw DataError(where + "version " + version + " is newer than this program reads (" + kVersion + ")");
  if (major < 1) throw DataError(where + "attribute 'version' is '" + version + "', expected " + kVersion);
}

std::vector<StoredResponse> read_index(const Hdf5File& file) {
  const auto offsets = file.read<std::int64_t>("responses/offset");
  const std::size_t count = offsets.size();
  const auto check = [&](const char* name, std::size_t found) {
    if (found != count)
      throw DataError(file.path().string() + ": data set '" + name + "' has " + std::to_string(found) +
                      " entries, expected " + std::to_string(count) + " as responses/offset has");
  };
  std::vector<StoredResponse> responses(count);
  for (std::size_t i = 0; i < count; ++i) responses[i].offset = offsets[i];
  const auto numbers = [&]<class T>(const std::string& name, T StoredResponse::*member) {
    const auto column = file.read<T>(name);
    check(name.c_str(), column.size());
    for (std::size_t i = 0; i < count; ++i) responses[i].*member = column[i];
  };
  numbers("responses/samples", &StoredResponse::samples);
  numbers("responses/rate_hz", &StoredResponse::rate_hz);
  numbers("responses/channel", &StoredResponse::channel);
  for (const auto& [name, member] : kTextColumns) {
    auto column = file.read_text(std::string("responses/") + name);
    check(name, column.size());
    for (std::size_t i = 0; i < count; ++i) responses[i].*member = std::move(column[i]);
  }
  const auto positions = [&](const std::string& name, Positions member) {
    file.check_shape(name, {count, 3});
    const auto column = file.read<double>(name);
    for (std::size_t i = 0; i < count; ++i) {
      const std::array<double, 3> p = {column[3 * i], column[3 * i + 1], column[3 * i + 2]};
      if (std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2])) responses[i].*member = p;
    }
  };
  positions("responses/source_m", &StoredResponse::source_m);
  positions("responses/receiver_m", &StoredResponse::receiver_m);
  return responses;
}

void check_index(const std::filesystem::path& path, const std::vector<StoredResponse>& responses, std::int64_t pool) {
  for (std::size_t i = 0; i < responses.size(); ++i) {
    const StoredResponse& r = responses[i];
    const std::string where = path.string() + ": response " + std::to_string(i) + ": ";
    if (r.samples < 1 || r.offset < 0 || r.offset > pool || r.samples > pool - r.offset)
      throw DataError(where + std::to_string(r.samples) + " samples from " + std::to_string(r.offset) +
                      " on lie outside of 'samples', which has " + std::to_string(pool));
    const std::string wrong = response_fault(r);
    if (!wrong.empty()) throw DataError(where + wrong);
  }
}

}  // namespace

std::string hash_of_samples(std::span<const float> samples) {
  return sha256_hex(samples.data(), samples.size() * sizeof(float));
}

std::string response_fault(const StoredResponse& r) {
  if (r.file.empty()) return "it has no file name";
  if (r.room.empty()) return "it has no room";
  if (r.channel < 0) return "channel " + std::to_string(r.channel);
  if (!(r.rate_hz > 0) || !std::isfinite(r.rate_hz)) return "a rate of " + std::to_string(r.rate_hz) + " Hz";
  if (r.origin != "measured" && r.origin != "simulated")
    return "origin '" + r.origin + "', expected 'measured' or 'simulated'";
  if (r.split != "" && r.split != "train" && r.split != "validation" && r.split != "test")
    return "split '" + r.split + "', expected 'train', 'validation', 'test' or ''";
  return "";
}

void write_store_file(const std::filesystem::path& path, const std::vector<StoredResponse>& responses,
                      const StoreNotes& notes, std::int64_t pool_samples, const PoolReader& read_pool) {
  Hdf5File file = Hdf5File::create(path);
  file.set_attribute("/", "format", std::string(kFormat));
  file.set_attribute("/", "version", std::string(kVersion));
  for (const auto& [name, value] : notes) file.set_attribute("/", "note." + name, value);
  file.set_attribute("/", "notes", [&] {
    std::string names;
    for (const auto& [name, value] : notes) names += (names.empty() ? "" : "\n") + name;
    return names;
  }());
  const std::vector<std::size_t> count = {responses.size()};
  const auto write = [&]<class T>(const std::string& name, T StoredResponse::*member) {
    file.write<T>(name, column_of<T>(responses, [&](const StoredResponse& r) { return r.*member; }), count);
  };
  write("responses/offset", &StoredResponse::offset);
  write("responses/samples", &StoredResponse::samples);
  write("responses/rate_hz", &StoredResponse::rate_hz);
  write("responses/channel", &StoredResponse::channel);
  for (const auto& [name, member] : kTextColumns)
    file.write_text(std::string("responses/") + name,
                    column_of<std::string>(responses, [&](const StoredResponse& r) { return r.*member; }));
  file.write<double>("responses/source_m", position_column(responses, &StoredResponse::source_m), {count[0], 3});
  file.write<double>("responses/receiver_m", position_column(responses, &StoredResponse::receiver_m), {count[0], 3});
  file.create_data_set<float>(kPool, {static_cast<std::size_t>(pool_samples)});
  std::vector<float> block(std::min<std::size_t>(kBlockSamples, static_cast<std::size_t>(pool_samples)));
  for (std::int64_t first = 0; first < pool_samples; first += static_cast<std::int64_t>(block.size())) {
    const auto size = std::min(static_cast<std::int64_t>(block.size()), pool_samples - first);
    const std::span<float> part(block.data(), static_cast<std::size_t>(size));
    read_pool(first, part);
    file.write_rows<float>(kPool, static_cast<std::size_t>(first), part);
  }
  file.commit();
}

void read_samples(int fd, std::uint64_t byte, std::span<float> out, const std::filesystem::path& path) {
  auto* to = reinterpret_cast<char*>(out.data());
  std::size_t left = out.size_bytes();
  while (left > 0) {
    const ssize_t got = ::pread(fd, to, left, static_cast<off_t>(byte));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw DataError(path.string() + ": cannot be read: " + std::strerror(errno));
    if (got == 0) throw DataError(path.string() + ": has become shorter since it was opened");
    to += got;
    byte += static_cast<std::uint64_t>(got);
    left -= static_cast<std::size_t>(got);
  }
}

ResponseStore::ResponseStore(ResponseStore&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      pool_offset_(other.pool_offset_),
      pool_samples_(other.pool_samples_),
      responses_(std::move(other.responses_)),
      notes_(std::move(other.notes_)) {}

ResponseStore::~ResponseStore() {
  if (fd_ >= 0) ::close(fd_);
}

ResponseStore ResponseStore::open(const std::filesystem::path& path) {
  const Hdf5File file = Hdf5File::open(path);
  check_format(file);
  ResponseStore store(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (store.fd_ < 0) throw DataError(path.string() + ": cannot be read: " + std::strerror(errno));
  file.check_shape(kPool, {0});
  store.pool_samples_ = static_cast<std::int64_t>(file.shape(kPool)[0]);
  store.pool_offset_ = file.raw_offset<float>(kPool);
  struct stat status {};
  const std::uint64_t end = store.pool_offset_ + static_cast<std::uint64_t>(store.pool_samples_) * sizeof(float);
  if (::fstat(store.fd_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) < end)
    throw DataError(path.string() + ": truncated: its samples end at byte " + std::to_string(end) +
                    ", the file has only " + std::to_string(status.st_size));
  store.responses_ = read_index(file);
  check_index(path, store.responses_, store.pool_samples_);
  const std::string names = file.string_attribute("/", "notes");
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end_of_name = std::min(names.find('\n', at), names.size());
    const std::string name = names.substr(at, end_of_name - at);
    store.notes_[name] = file.string_attribute("/", "note." + name);
    at = end_of_name + 1;
  }
  return store;
}

const StoredResponse& ResponseStore::at(std::size_t index) const {
  if (index >= responses_.size())
    throw ContractError(path_.string() + ": response " + std::to_string(index) + " of " + std::to_string(size()));
  return responses_[index];
}

void ResponseStore::read_pool(std::int64_t first, std::span<float> out) const {
  read_samples(fd_, pool_offset_ + static_cast<std::uint64_t>(first) * sizeof(float), out, path_);
}

void ResponseStore::read(std::size_t index, std::int64_t first, std::span<float> out) const {
  const StoredResponse& r = at(index);
  if (first < 0 || first > r.samples || static_cast<std::int64_t>(out.size()) > r.samples - first)
    throw ContractError(path_.string() + ": response " + std::to_string(index) + ": " + std::to_string(out.size()) +
                        " samples from " + std::to_string(first) + " on asked for, it has " +
                        std::to_string(r.samples));
  read_pool(r.offset + first, out);
}

std::vector<float> ResponseStore::read(std::size_t index) const {
  std::vector<float> out(static_cast<std::size_t>(at(index).samples));
  read(index, 0, out);
  return out;
}

void ResponseStore::rewrite(const std::filesystem::path& to, const std::vector<StoredResponse>& responses) const {
  if (responses.size() != responses_.size()) throw ContractError(path_.string() + ": rewrite: another number of them");
  std::vector<StoredResponse> index = responses;
  for (std::size_t i = 0; i < index.size(); ++i) {
    index[i].offset = responses_[i].offset;
    index[i].samples = responses_[i].samples;
    index[i].hash = responses_[i].hash;
    const std::string wrong = response_fault(index[i]);
    if (!wrong.empty()) throw ContractError(path_.string() + ": response " + std::to_string(i) + ": " + wrong);
  }
  write_store_file(to, index, notes_, pool_samples_,
                   [this](std::int64_t first, std::span<float> out) { read_pool(first, out); });
}

}  // namespace diffverb
