#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace diffverb {

/// An HDF5 file with checked reads: data sets of numbers with their shapes, and attributes.
///
/// T is float, double, std::int32_t or std::int64_t. Numbers of any stored type and byte order are converted to T; a
/// real number is not read into an integer type. A file being created stands under a temporary name until commit().
///
/// Throws   DataError that names path and data set or attribute: no such file, not HDF5, truncated, no such data set
///          (with the nearest name), not numbers, corrupt, full disk; ContractError for a write to a file open for
///          reading
class Hdf5File {
 public:
  static Hdf5File open(const std::filesystem::path& path);
  static Hdf5File create(const std::filesystem::path& path);
  ~Hdf5File();
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool has(const std::string& name) const;                               // a data set or a group
  std::vector<std::string> names(const std::string& group = "/") const;  // of the members of a group
  std::vector<std::size_t> shape(const std::string& name) const;         // {} for a single number

  template <class T>
  std::vector<T> read(const std::string& name) const;  // row-major
  /// `count` entries of the first axis, from `first`.
  template <class T>
  std::vector<T> read_rows(const std::string& name, std::size_t first, std::size_t count) const;
  /// Refuses a data set of any other shape; 0 stands for any length of that axis.
  void check_shape(const std::string& name, const std::vector<std::size_t>& expected) const;

  /// Where in the file the numbers of a contiguous data set of native T begin, for reading them with pread: threads
  /// then share no lock. Throws a DataError where they do not lie there as they are. 0 where there are none.
  template <class T>
  std::uint64_t raw_offset(const std::string& name) const;
  std::vector<std::string> read_text(const std::string& name) const;  // one axis of text of fixed length

  /// Groups on the way ("a/b/c") are made. Contiguous and uncompressed.
  template <class T>
  void write(const std::string& name, const std::vector<T>& values, const std::vector<std::size_t>& shape);
  /// For what is larger than memory: first the data set, then its rows in any order.
  template <class T>
  void create_data_set(const std::string& name, const std::vector<std::size_t>& shape);
  template <class T>
  void write_rows(const std::string& name, std::size_t first, std::span<const T> values);
  void write_text(const std::string& name, const std::vector<std::string>& values);  // UTF-8, as long as the longest

  /// `object` is a data set, a group, or "/" for the file itself.
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string string_attribute(const std::string& object, const std::string& name) const;
  double number_attribute(const std::string& object, const std::string& name) const;
  void set_attribute(const std::string& object, const std::string& name, const std::string& value);
  void set_attribute(const std::string& object, const std::string& name, double value);

  /// Closes a file that was created and gives it its name. Without it, nothing is left behind.
  void commit();

 private:
  Hdf5File(std::filesystem::path path, std::filesystem::path temporary, std::int64_t id);
  [[noreturn]] void fail(const std::string& where, const std::string& what) const;
  void check_writable() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // "" where open for reading
  std::int64_t id_;                  // hid_t
};

}  // namespace diffverb
