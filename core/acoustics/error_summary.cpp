#include "core/acoustics/error_summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace diffverb::acoustics {
namespace {

constexpr double kRangeForLevelDb = 15;

using Member = std::optional<double> BandErrors::*;
using SummaryMember = std::optional<double> ErrorSummary::*;
constexpr std::array<std::pair<Member, SummaryMember>, 5> kMembers = {
    {{&BandErrors::t_error_pct, &ErrorSummary::t_error_pct},
     {&BandErrors::edt_error_pct, &ErrorSummary::edt_error_pct},
     {&BandErrors::c80_error_db, &ErrorSummary::c80_error_db},
     {&BandErrors::d50_error, &ErrorSummary::d50_error},
     {&BandErrors::level_error_db, &ErrorSummary::level_error_db}}};

std::optional<double> relative_pct(std::optional<double> target, std::optional<double> other) {
  if (!target || !other || !(*target > 0)) return std::nullopt;
  return 100 * (*other / *target - 1);
}

std::optional<double> difference(std::optional<double> target, std::optional<double> other) {
  if (!target || !other) return std::nullopt;
  return *other - *target;
}

// The middle value; the mean of the two middle ones for an even number.
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

template <typename Reduce>
ErrorSummary summarise(const std::vector<BandErrors>& bands, Reduce reduce) {
  ErrorSummary summary;
  for (const auto& [member, summary_member] : kMembers) {
    std::vector<double> magnitudes;
    for (const BandErrors& band : bands) {
      if (const auto& error = band.*member) magnitudes.push_back(std::abs(*error));
    }
    if (!magnitudes.empty()) summary.*summary_member = reduce(magnitudes);
  }
  return summary;
}

}  // namespace

BandErrors band_errors(const BandResult& target, const BandResult& other) {
  BandErrors errors;
  errors.hz = target.hz;
  const bool both_t30 = target.t30_s && other.t30_s;
  errors.t_error_pct = both_t30 ? relative_pct(target.t30_s, other.t30_s) : relative_pct(target.t20_s, other.t20_s);
  errors.edt_error_pct = relative_pct(target.edt_s, other.edt_s);
  errors.c80_error_db = difference(target.c80_db, other.c80_db);
  errors.d50_error = difference(target.d50, other.d50);
  if (target.range_db >= kRangeForLevelDb) errors.level_error_db = other.level_db - target.level_db;
  return errors;
}

ErrorSummary median_of(const std::vector<BandErrors>& bands) { return summarise(bands, median); }

ErrorSummary worst_of(const std::vector<BandErrors>& bands) {
  return summarise(bands,
                   [](const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); });
}

std::vector<BandErrors> largest_by_band(const std::vector<std::vector<BandErrors>>& channels) {
  if (channels.empty()) return {};
  std::vector<BandErrors> largest = channels.front();
  for (const auto& bands : channels) {
    for (std::size_t b = 0; b < std::min(bands.size(), largest.size()); ++b) {
      for (const auto& [member, unused] : kMembers) {
        const auto& error = bands[b].*member;
        auto& kept = largest[b].*member;
        if (error && (!kept || std::abs(*error) > std::abs(*kept))) kept = error;
      }
    }
  }
  return largest;
}

std::optional<double> level_shape(const std::vector<BandErrors>& bands) {
  double sum = 0, squares = 0, n = 0;
  for (const BandErrors& band : bands) {
    if (!band.level_error_db) continue;
    sum += *band.level_error_db;
    squares += *band.level_error_db * *band.level_error_db;
    n += 1;
  }
  if (n < 2) return std::nullopt;
  return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
}

}  // namespace diffverb::acoustics
