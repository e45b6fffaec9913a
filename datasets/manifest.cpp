#include "datasets/manifest.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "core/files.h"
#include "core/nearest.h"

namespace diffverb {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 28;

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string ManifestRow::*> columns_of(const std::vector<std::string>& header, const std::string& where) {
  static const std::map<std::string, std::string ManifestRow::*> kColumns = {{"file", &ManifestRow::file},
                                                                             {"room", &ManifestRow::room},
                                                                             {"licence", &ManifestRow::licence},
                                                                             {"license", &ManifestRow::licence},
                                                                             {"split", &ManifestRow::split}};
  std::vector<std::string ManifestRow::*> columns;
  if (const auto other = header[0].find_first_of(";\t"); header.size() == 1 && other != std::string::npos)
    throw DataError(where + "columns are separated by " + (header[0][other] == ';' ? "';'" : "tabs") +
                    ", expected commas: file,room,licence");
  for (const std::string& field : header) {
    const auto known = kColumns.find(trimmed(field));
    if (known == kColumns.end())
      throw DataError(where + "unknown column '" + field + "'" +
                      known_names_hint(field, {"file", "room", "licence", "split"}));
    columns.push_back(known->second);
  }
  for (const auto& [name, column] : std::array<std::pair<const char*, std::string ManifestRow::*>, 2>{
           {{"file", &ManifestRow::file}, {"room", &ManifestRow::room}}}) {
    if (std::count(columns.begin(), columns.end(), column) != 1)
      throw DataError(where + "expected a header with one column '" + std::string(name) + "', e.g. file,room,licence");
  }
  return columns;
}

void check_row(const ManifestRow& row, const std::string& where) {
  if (row.file.empty() || row.room.empty()) throw DataError(where + "file and room must not be empty");
  if (row.split != "" && row.split != "train" && row.split != "validation" && row.split != "test")
    throw DataError(where + "split '" + row.split + "', expected train, validation, test or nothing");
}

/// A file of another kind must not reach a terminal with its messages.
void check_text(const std::string& text, const std::filesystem::path& path) {
  const auto is_control = [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code < 0x20 && c != '\n' && c != '\r' && c != '\t') || code == 0x7f;
  };
  const auto bad = std::find_if(text.begin(), text.end(), is_control);
  if (bad == text.end()) return;
  throw DataError(path.string() + ":" + std::to_string(1 + std::count(text.begin(), bad, '\n')) +
                  ": is not text, expected a table with a header, e.g. file,room,licence");
}

}  // namespace

std::vector<std::string> read_csv_record(const std::string& text, std::size_t& at, const std::string& where) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c != '"')
        fields.back() += c;
      else if (at + 1 < text.size() && text[at + 1] == '"')
        fields.back() += text[++at];
      else
        quoted = false;
    } else if (c == '"' && trimmed(fields.back()).empty()) {
      fields.back().clear();
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  if (quoted) throw DataError(where + "a field in quotes that do not end");
  return fields;
}

Manifest Manifest::read(const std::filesystem::path& path) {
  std::string text = read_file(path, kMostBytes);
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  check_text(text, path);
  Manifest manifest;
  std::vector<std::string ManifestRow::*> columns;
  std::map<std::string, std::pair<std::string, std::size_t>> splits;
  for (std::size_t at = 0, line = 1; at < text.size();) {
    const std::size_t begin = at, first_line = line;
    const std::string where = path.string() + ":" + std::to_string(first_line) + ": ";
    const std::vector<std::string> fields = read_csv_record(text, at, where);
    line += static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                                text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    if (text[begin] == '#' || (fields.size() == 1 && trimmed(fields[0]).empty())) continue;
    if (columns.empty()) {
      columns = columns_of(fields, where);
      continue;
    }
    if (fields.size() > columns.size())
      throw DataError(where + std::to_string(fields.size()) + " fields, the header has " +
                      std::to_string(columns.size()) + " (a field with a comma needs quotes)");
    ManifestRow row;
    row.line = first_line;
    for (std::size_t i = 0; i < fields.size(); ++i) row.*columns[i] = trimmed(fields[i]);
    check_row(row, where);
    const auto [known, added] = splits.emplace(row.room, std::make_pair(row.split, first_line));
    if (!added && known->second.first != row.split)
      throw DataError(where + "room '" + row.room + "' is in another split in line " +
                      std::to_string(known->second.second) + "; a room stands in one part only");
    manifest.rows_.push_back(std::move(row));
  }
  if (manifest.rows_.empty())
    throw DataError(path.string() + ": no rows, expected file,room,licence and a line a file");
  return manifest;
}

const ManifestRow* Manifest::find(const std::string& file) {
  const std::string name = std::filesystem::path(file).filename().string();
  for (const bool by_pattern : {false, true}) {
    for (ManifestRow& row : rows_) {
      const std::string& subject = row.file.find('/') == std::string::npos ? name : file;
      const bool same = by_pattern ? ::fnmatch(row.file.c_str(), subject.c_str(), 0) == 0 : row.file == subject;
      if (!same) continue;
      row.used = true;
      return &row;
    }
  }
  return nullptr;
}

std::vector<const ManifestRow*> Manifest::unused() const {
  std::vector<const ManifestRow*> out;
  for (const ManifestRow& row : rows_) {
    if (!row.used) out.push_back(&row);
  }
  return out;
}

}  // namespace diffverb
