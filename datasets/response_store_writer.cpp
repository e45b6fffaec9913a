#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "datasets/response_store.h"
#include "datasets/response_store_file.h"

namespace diffverb {
namespace {

constexpr std::size_t kLongestText = 4096;  // of a name; longer is a mistake

std::filesystem::path partial_of(const std::filesystem::path& path) { return path.string() + ".partial"; }
std::filesystem::path index_of(const std::filesystem::path& path) { return path.string() + ".partial.index"; }

/// At a place, not at the end: what a failed write has left is written over by the next one.
void write_at(int fd, std::int64_t byte, const void* bytes, std::size_t size, const std::filesystem::path& path) {
  const auto* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = ::pwrite(fd, from, size, static_cast<off_t>(byte));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw DataError(path.string() + ": cannot be written: " + std::strerror(errno));
    from += written;
    byte += written;
    size -= static_cast<std::size_t>(written);
  }
}

nlohmann::json position_json(const std::optional<std::array<double, 3>>& position) {
  return position ? nlohmann::json(*position) : nlohmann::json();
}

std::string line_of(const StoredResponse& r) {
  return nlohmann::json{{"file", r.file},
                        {"channel", r.channel},
                        {"room", r.room},
                        {"licence", r.licence},
                        {"origin", r.origin},
                        {"split", r.split},
                        {"rate_hz", r.rate_hz},
                        {"source_m", position_json(r.source_m)},
                        {"receiver_m", position_json(r.receiver_m)},
                        {"samples", r.samples},
                        {"hash", r.hash}}
             .dump() +
         "\n";
}

/// Throws nlohmann's exceptions for what is no line of an index.
StoredResponse response_of(const std::string& line) {
  const auto json = nlohmann::json::parse(line);
  StoredResponse r;
  json.at("file").get_to(r.file);
  json.at("channel").get_to(r.channel);
  json.at("room").get_to(r.room);
  json.at("licence").get_to(r.licence);
  json.at("origin").get_to(r.origin);
  json.at("split").get_to(r.split);
  json.at("rate_hz").get_to(r.rate_hz);
  json.at("samples").get_to(r.samples);
  json.at("hash").get_to(r.hash);
  if (!json.at("source_m").is_null()) r.source_m = json["source_m"].get<std::array<double, 3>>();
  if (!json.at("receiver_m").is_null()) r.receiver_m = json["receiver_m"].get<std::array<double, 3>>();
  return r;
}

void check_text(const StoredResponse& r) {
  for (const std::string* text : {&r.file, &r.room, &r.licence}) {
    const bool broken = text->find('\0') != std::string::npos || text->size() > kLongestText;
    if (broken) throw ContractError("a response's file, room or licence is longer than 4096 bytes or has a NUL");
  }
}

}  // namespace

ResponseStoreWriter::ResponseStoreWriter(std::filesystem::path path, bool keeps)
    : path_(std::move(path)), keeps_(keeps) {}

ResponseStoreWriter::ResponseStoreWriter(ResponseStoreWriter&& other) noexcept
    : path_(std::move(other.path_)),
      keeps_(other.keeps_),
      pool_(std::exchange(other.pool_, -1)),
      index_(std::exchange(other.index_, -1)),
      pool_samples_(other.pool_samples_),
      index_bytes_(other.index_bytes_),
      responses_(std::move(other.responses_)),
      known_(std::move(other.known_)),
      notes_(std::move(other.notes_)) {}

ResponseStoreWriter::~ResponseStoreWriter() {
  if (pool_ < 0) return;
  if (!keeps_) remove_partial();
  if (index_ >= 0) ::close(index_);
  ::close(pool_);
}

ResponseStoreWriter ResponseStoreWriter::create(const std::filesystem::path& path) {
  ResponseStoreWriter writer(path, false);
  writer.open_partial(true);
  return writer;
}

ResponseStoreWriter ResponseStoreWriter::resume(const std::filesystem::path& path, const std::string& key) {
  ResponseStoreWriter writer(path, true);
  writer.open_partial(false);
  writer.recover(key);
  return writer;
}

void ResponseStoreWriter::open_partial(bool anew) {
  if (std::filesystem::is_directory(path_)) throw DataError(path_.string() + ": is a folder, expected a file to write");
  const auto open = [&](const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) throw DataError(path_.string() + ": cannot be written: " + std::strerror(errno));
    return fd;
  };
  const int pool = open(partial_of(path_));
  if (::flock(pool, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    ::close(pool);
    if (code == EWOULDBLOCK) throw DataError(path_.string() + ": another process is writing it");
    throw DataError(path_.string() + ": cannot be locked: " + std::strerror(code));
  }
  pool_ = pool;
  index_ = open(index_of(path_));
  if (anew && ::lseek(index_, 0, SEEK_END) > 0) {
    keeps_ = true;
    throw DataError(path_.string() + ": an interrupted set is there: finish it, or take " + partial_of(path_).string() +
                    " and " + index_of(path_).string() + " away");
  }
  if (anew && (::ftruncate(pool_, 0) != 0 || ::ftruncate(index_, 0) != 0))
    throw DataError(path_.string() + ": cannot be written: " + std::strerror(errno));
}

void ResponseStoreWriter::recover(const std::string& key) {
  const std::string text = read_file(index_of(path_));
  const std::string first_line = nlohmann::json{{"key", key}}.dump() + "\n";
  if (!text.empty() && text.find('\n') != std::string::npos && !text.starts_with(first_line))
    throw DataError(path_.string() + ": an interrupted one with other settings is there: take " +
                    partial_of(path_).string() + " and " + index_of(path_).string() + " away, or finish that one");
  const off_t bytes = ::lseek(pool_, 0, SEEK_END);
  std::size_t kept = std::min(first_line.size(), text.size());
  if (!text.starts_with(first_line)) kept = 0;
  std::vector<float> samples;
  while (kept > 0) {
    const std::size_t end = text.find('\n', kept);
    if (end == std::string::npos) break;
    StoredResponse r;
    try {
      r = response_of(text.substr(kept, end - kept));
    } catch (const nlohmann::json::exception&) {
      break;
    }
    const std::int64_t have = bytes / static_cast<std::int64_t>(sizeof(float)) - pool_samples_;
    if (r.samples < 1 || r.samples > have || !response_fault(r).empty()) break;
    r.offset = pool_samples_;
    samples.resize(static_cast<std::size_t>(r.samples));
    read_samples(pool_, static_cast<std::uint64_t>(pool_samples_) * sizeof(float), samples, partial_of(path_));
    if (hash_of_samples(samples) != r.hash) break;  // after a power cut: the index was on the disk, the samples not
    pool_samples_ += r.samples;
    known_.emplace(r.file, r.channel);
    responses_.push_back(std::move(r));
    kept = end + 1;
  }
  if (::ftruncate(pool_, static_cast<off_t>(pool_samples_) * static_cast<off_t>(sizeof(float))) != 0 ||
      ::ftruncate(index_, static_cast<off_t>(kept)) != 0)
    throw DataError(path_.string() + ": cannot be written: " + std::strerror(errno));
  if (kept == 0) {
    write_at(index_, 0, first_line.data(), first_line.size(), path_);
    kept = first_line.size();
  }
  index_bytes_ = static_cast<std::int64_t>(kept);
}

void ResponseStoreWriter::remove_partial() {
  ::unlink(index_of(path_).c_str());
  ::unlink(partial_of(path_).c_str());
}

void ResponseStoreWriter::discard() {
  if (pool_ < 0) throw ContractError(path_.string() + ": already committed");
  remove_partial();
  ::close(std::exchange(pool_, -1));
  ::close(std::exchange(index_, -1));
}

void ResponseStoreWriter::add(const StoredResponse& response, std::span<const float> samples) {
  if (pool_ < 0) throw ContractError(path_.string() + ": already committed");
  StoredResponse r = response;
  r.offset = pool_samples_;
  r.samples = static_cast<std::int64_t>(samples.size());
  const std::string name = "'" + r.file + "', channel " + std::to_string(r.channel + 1);
  check_text(r);
  if (const std::string wrong = response_fault(r); !wrong.empty()) throw ContractError(name + ": " + wrong);
  if (samples.empty()) throw ContractError(name + ": no samples");
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!std::isfinite(samples[i])) throw ContractError(name + ": sample " + std::to_string(i) + " is not finite");
  }
  if (known_.count({r.file, r.channel})) throw ContractError(name + ": added twice");
  r.hash = hash_of_samples(samples);
  write_at(pool_, pool_samples_ * static_cast<std::int64_t>(sizeof(float)), samples.data(), samples.size_bytes(),
           path_);
  if (keeps_) {
    const std::string line = line_of(r);
    write_at(index_, index_bytes_, line.data(), line.size(), path_);
    index_bytes_ += static_cast<std::int64_t>(line.size());
  }
  known_.emplace(r.file, r.channel);
  pool_samples_ += r.samples;
  responses_.push_back(std::move(r));
}

void ResponseStoreWriter::commit() {
  if (pool_ < 0) throw ContractError(path_.string() + ": already committed");
  if (responses_.empty()) throw DataError(path_.string() + ": not written: no response to put into it");
  write_store_file(path_, responses_, notes_, pool_samples_, [this](std::int64_t first, std::span<float> out) {
    read_samples(pool_, static_cast<std::uint64_t>(first) * sizeof(float), out, partial_of(path_));
  });
  discard();
}

}  // namespace diffverb
