#include "train/report/summary.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "train/report/html.h"
#include "train/report/report.h"
#include "train/report/run_data.h"

namespace diffverb {
namespace report {
namespace {

Headline::Pair pair_of(const nlohmann::json& metrics, const char* key) {
  return {std::abs(number_at(metrics, {"median", key})), std::abs(number_at(metrics, {"worst", key}))};
}

Headline::Pair thirds_of(const nlohmann::json& metrics, const char* key) {
  return {std::abs(number_at(metrics, {"thirds", "median", key})),
          std::abs(number_at(metrics, {"thirds", "worst", key}))};
}

}  // namespace

Headline headline(const std::string& run, const nlohmann::json& metrics) {
  Headline out;
  out.run = run;
  out.file = std::filesystem::path(text_at(metrics, "target")).filename().string();
  out.t_pct = pair_of(metrics, "t_error_pct");
  out.edt_pct = pair_of(metrics, "edt_error_pct");
  out.c80_db = pair_of(metrics, "c80_error_db");
  out.level_db = pair_of(metrics, "level_error_db");
  out.thirds_t_pct = thirds_of(metrics, "t_error_pct");
  out.thirds_edt_pct = thirds_of(metrics, "edt_error_pct");
  out.level_shape_db = number_at(metrics, {"level_shape_db"});
  out.level_offset_db = number_at(metrics, {"level_offset_db"});
  out.late_modes_pct = number_at(metrics, {"late_modes_pct"});
  out.late_modes_target_pct = number_at(metrics, {"late_modes_target_pct"});
  out.echo_density = number_at(metrics, {"echo_density"});
  out.echo_density_target = number_at(metrics, {"echo_density_target"});
  out.coherence_error = number_at(metrics, {"coherence_error"});
  out.early_ms = number_at(metrics, {"early_ms"});
  out.lsd_smoothed_db = number_at(metrics, {"lsd_smoothed_db"});
  out.seconds = number_at(metrics, {"seconds"});
  out.steps = number_at(metrics, {"steps"});
  out.parameters = number_at(metrics, {"parameters"});
  return out;
}

}  // namespace report

namespace {

using report::Headline;
using report::number;

using Cells = std::vector<std::string>;

double median_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// The columns after the name: heading, decimals, and where the value stands.
struct Column {
  const char* heading;
  int decimals;
  double (*value)(const Headline&);
};

constexpr Column kColumns[] = {
    {"T med %", 1, [](const Headline& h) { return h.t_pct.median; }},
    {"worst %", 1, [](const Headline& h) { return h.t_pct.worst; }},
    {"EDT med %", 1, [](const Headline& h) { return h.edt_pct.median; }},
    {"worst %", 1, [](const Headline& h) { return h.edt_pct.worst; }},
    {"C80 med dB", 2, [](const Headline& h) { return h.c80_db.median; }},
    {"shape dB", 2, [](const Headline& h) { return h.level_shape_db; }},
    {"level dB", 2, [](const Headline& h) { return std::abs(h.level_offset_db); }},
    {"T 1/3 med %", 1, [](const Headline& h) { return h.thirds_t_pct.median; }},
    {"worst %", 1, [](const Headline& h) { return h.thirds_t_pct.worst; }},
    {"EDT 1/3 med %", 1, [](const Headline& h) { return h.thirds_edt_pct.median; }},
    {"worst %", 1, [](const Headline& h) { return h.thirds_edt_pct.worst; }},
    {"modes %", 2, [](const Headline& h) { return h.late_modes_pct; }},
    {"early ms", 0, [](const Headline& h) { return h.early_ms; }},
    {"time s", 1, [](const Headline& h) { return h.seconds; }},
};

/// Columns a terminal gives a UTF-8 text, one for each code point: enough for names and dashes.
std::size_t columns_wide(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string aligned(const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const Cells& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns_wide(row[c]));
  }
  std::string out;
  for (const Cells& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string room(widths[c] - columns_wide(row[c]), ' ');
      line += c == 0 ? row[c] + room : "  " + room + row[c];
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace

std::string summary_table(const std::vector<std::filesystem::path>& run_folders) {
  if (run_folders.empty()) return "";
  std::vector<Headline> runs;
  for (const std::filesystem::path& folder : run_folders) {
    const std::filesystem::path path = folder / "metrics.json";
    const nlohmann::json metrics = nlohmann::json::parse(read_file(path), nullptr, false);
    if (!metrics.is_object()) throw DataError(path.string() + ": not a JSON object");
    runs.push_back(report::headline(std::filesystem::weakly_canonical(folder).filename().string(), metrics));
  }
  std::vector<Cells> rows(1, {"run"});
  for (const Column& column : kColumns) rows[0].push_back(column.heading);
  for (const Headline& run : runs) {
    Cells& row = rows.emplace_back(1, run.run);
    for (const Column& column : kColumns) row.push_back(number(column.value(run), column.decimals));
  }
  if (runs.size() == 1) return aligned(rows);
  Cells& last = rows.emplace_back(1, "median of " + std::to_string(runs.size()));
  for (const Column& column : kColumns) {
    std::vector<double> values;
    for (const Headline& run : runs) values.push_back(column.value(run));
    last.push_back(number(median_of(std::move(values)), column.decimals));
  }
  return aligned(rows);
}

}  // namespace diffverb
