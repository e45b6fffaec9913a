#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace diffverb {

/// One response of a data file: what is known of it, and where its samples lie. Channels of one file are responses of
/// their own that share `file` and differ in `channel`.
struct StoredResponse {
  std::string file;  // relative to the folder that was imported; "room.sofa#3" for one of several; unique with channel
  int channel = 0;   // from 0
  std::string room;  // the group that a split keeps together; never ""
  std::string licence = "unknown";
  std::string origin = "measured";  // or "simulated"
  std::string split;                // "train", "validation", "test"; "" where there is no split yet
  double rate_hz = 0;
  std::optional<std::array<double, 3>> source_m, receiver_m;  // positions, Cartesian

  // The writer sets these.
  std::int64_t offset = 0;   // of the first sample in the pool
  std::int64_t samples = 0;  // at least 1
  std::string hash;          // SHA-256 of the samples as they stand in the file (float32, little-endian)
};

/// What the whole set was made from ("command", "settings", ...), by name.
using StoreNotes = std::map<std::string, std::string>;

/// A data file of impulse responses, open for reading: an index in memory, samples on the disk.
///
/// HDF5, attribute format = "diffverb responses", version = "1.0". One data set `samples` [S] float32 holds all
/// samples, in one piece; under `responses/` stands a column [N] for each member of StoredResponse. read() is a pread
/// at the place of that data set in the file: any number of threads may call it, and no memory is kept.
///
/// Throws   DataError: no such file, another format, a newer major version, truncated, an index that points outside
class ResponseStore {
 public:
  static ResponseStore open(const std::filesystem::path& path);
  ~ResponseStore();
  ResponseStore(ResponseStore&& other) noexcept;
  ResponseStore(const ResponseStore&) = delete;
  ResponseStore& operator=(const ResponseStore&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::size_t size() const { return responses_.size(); }
  const StoredResponse& at(std::size_t index) const;
  const std::vector<StoredResponse>& responses() const { return responses_; }
  const StoreNotes& notes() const { return notes_; }

  /// Fills `out` from sample `first` on. Throws a ContractError beyond the response's end.
  void read(std::size_t index, std::int64_t first, std::span<float> out) const;
  std::vector<float> read(std::size_t index) const;

  /// The same file with another index, written whole beside it or over it: the new index has as many entries, and only
  /// what the writer does not set may differ.
  void rewrite(const std::filesystem::path& to, const std::vector<StoredResponse>& responses) const;

 private:
  ResponseStore(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  void read_pool(std::int64_t first, std::span<float> out) const;

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t pool_offset_ = 0;
  std::int64_t pool_samples_ = 0;
  std::vector<StoredResponse> responses_;
  StoreNotes notes_;
};

/// Writes a data file response by response; no more than one of them is held in memory.
///
/// Until commit() the samples stand in PATH.partial and the index in PATH.partial.index; commit() writes the HDF5 file
/// under a temporary name, flushes and renames it, and takes those two away (the disk holds the samples twice for that
/// moment). Without commit() a writer made by resume() leaves them, to be resumed, also after a SIGKILL; one made by
/// create() leaves nothing, and refuses to write over an interrupted one. The same responses in the same order make the
/// same file, byte for byte. Not for use by several threads or writers at once: a second writer of the same file is
/// refused.
///
/// Throws   DataError: full disk, no permission, in use; a partial file with another key
///          ContractError: no room, a name that is not text, no samples, a rate of 0, a sample that is not finite, the
///          same file and channel twice
class ResponseStoreWriter {
 public:
  static ResponseStoreWriter create(const std::filesystem::path& path);
  /// Goes on where a writer with the same `key` (what the set is made from: a hash of the settings) was interrupted, or
  /// starts. Responses that were not written whole are gone; the others are checked by their hashes.
  static ResponseStoreWriter resume(const std::filesystem::path& path, const std::string& key);
  ~ResponseStoreWriter();
  ResponseStoreWriter(ResponseStoreWriter&& other) noexcept;
  ResponseStoreWriter(const ResponseStoreWriter&) = delete;
  ResponseStoreWriter& operator=(const ResponseStoreWriter&) = delete;

  std::size_t size() const { return responses_.size(); }  // so far, those of an interrupted writer included
  const std::vector<StoredResponse>& responses() const { return responses_; }
  void set_note(const std::string& name, const std::string& value) { notes_[name] = value; }

  void add(const StoredResponse& response, std::span<const float> samples);
  void commit();
  void discard();  // takes the partial files away, also those that an interruption left

 private:
  ResponseStoreWriter(std::filesystem::path path, bool keeps);
  void open_partial(bool anew);
  void recover(const std::string& key);
  void remove_partial();

  std::filesystem::path path_;
  bool keeps_ = false;  // the partial files, without commit()
  int pool_ = -1, index_ = -1;
  std::int64_t pool_samples_ = 0, index_bytes_ = 0;
  std::vector<StoredResponse> responses_;
  std::set<std::pair<std::string, int>> known_;  // file and channel
  StoreNotes notes_;
};

/// SHA-256 of samples as a data file names it.
std::string hash_of_samples(std::span<const float> samples);

}  // namespace diffverb
