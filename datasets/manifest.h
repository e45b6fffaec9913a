#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace diffverb {

/// One row: which files, and what they are.
struct ManifestRow {
  std::string file;  // a glob: * ? [abc]; * also stands for /
  std::string room, licence, split;
  std::size_t line = 0;
  bool used = false;
};

/// A table that says of each file of a measurement which room it is of:
///
///     file,room,licence,split
///     otala/*.wav,Otala listening room,MIT,
///     hall/B-format.wav,"Hall, large",CC-BY-4.0,test
///
/// CSV with a header; `file` and `room` are needed, `licence` (or `license`) and `split` may be left out or empty;
/// lines that begin with # are comments. A pattern without / stands for names in any folder.
///
/// Throws   DataError with the line: no text, no header, an unknown column, columns that are not separated by commas, a
///          row too long or without file or room, a split that is none, a room in two splits
class Manifest {
 public:
  Manifest() = default;
  static Manifest read(const std::filesystem::path& path);

  /// The first row that stands for this file, by name before by pattern; nullptr where none does. Notes its use.
  const ManifestRow* find(const std::string& file);
  std::vector<const ManifestRow*> unused() const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<ManifestRow> rows_;
};

/// The fields of one CSV record that begins at `at`, which moves behind it: quotes, doubled quotes, line ends in
/// quotes.
///
/// Throws   DataError that begins with `where`, at quotes that do not end: they would take in the rest of the file
std::vector<std::string> read_csv_record(const std::string& text, std::size_t& at, const std::string& where);

}  // namespace diffverb
