#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace diffverb {

/// Writes the whole file or nothing: to a temporary name beside it, to the disk, then renamed over the old one.
/// A device or a pipe is written to as it is.
///
/// Throws   DataError with the path and the system's reason (full disk, no permission); then the old file is as it was
///          and no temporary file is left
void write_file_atomically(const std::filesystem::path& path, const void* bytes, std::size_t size);
void write_file_atomically(const std::filesystem::path& path, const std::string& bytes);

/// The whole file.
///
/// Throws   DataError where it is not there, is a folder, cannot be read, or is larger than most_bytes
std::string read_file(const std::filesystem::path& path, std::size_t most_bytes = std::size_t{1} << 34);

/// Throws a DataError "path: no such file", "path: is a folder, expected ..." or "path: cannot be read"; else returns.
void check_readable_file(const std::filesystem::path& path, const std::string& expected);

/// The folder and those above it, where they are not there. Throws a DataError "path: cannot be made: ...".
void make_folder(const std::filesystem::path& path);

/// Whether a device or a pipe is there, which is written to as it is and never renamed over.
/// Throws   DataError "path: is a folder, expected a file to write"
bool is_device(const std::filesystem::path& path);

/// A name beside `path` that no other process uses, for a file that will be renamed to `path`.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

/// Makes an empty file of such a name. Throws a DataError that names `path` and the system's reason.
std::filesystem::path make_temporary_beside(const std::filesystem::path& path);

/// Flushes a closed file to the disk and renames it over `path`; removes it where that fails.
void commit_temporary(const std::filesystem::path& temporary, const std::filesystem::path& path);

}  // namespace diffverb
