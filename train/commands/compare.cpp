#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/comparison.h"
#include "core/acoustics/validate.h"
#include "core/error.h"
#include "core/log.h"
#include "core/printed.h"
#include "datasets/response_file.h"
#include "train/cli.h"

namespace diffverb {
namespace {

using acoustics::BandErrors;
using acoustics::BandResult;
using acoustics::ComparisonFigures;
using acoustics::ErrorSummary;

struct CompareOptions {
  std::string target;
  std::string other;
  bool json = false;
  double early_ms = acoustics::ComparisonOptions{}.early_ms;
};

// An error, marked with * where it is audible: one just noticeable difference or more.
std::string marked(const std::optional<double>& error, const char* format, double jnd) {
  if (!error) return "- ";
  return printed_or_dash(format, error) + (std::abs(*error) >= jnd ? "*" : " ");
}

template <typename Errors>
void print_errors(const char* name, const Errors& errors) {
  std::printf("  %-16s %9s %9s %9s %9s %9s\n", name, marked(errors.t_error_pct, "%.1f", acoustics::kJndTPct).c_str(),
              marked(errors.edt_error_pct, "%.1f", acoustics::kJndEdtPct).c_str(),
              marked(errors.c80_error_db, "%.2f", acoustics::kJndC80Db).c_str(),
              marked(errors.d50_error, "%.3f", acoustics::kJndD50).c_str(),
              printed_or_dash("%.2f ", errors.level_error_db).c_str());
}

void print_bands(const char* title, const std::vector<BandErrors>& errors, const std::vector<BandResult>& target,
                 const std::vector<BandResult>& other) {
  std::printf("  %-9s %9s %9s %9s %9s %8s %8s | %9s %9s %9s %9s %9s\n", title, "T s", "T other", "EDT s", "EDT oth.",
              "C80 dB", "C80 oth.", "T %", "EDT %", "C80 dB", "D50", "level dB");
  for (std::size_t b = 0; b < errors.size(); ++b) {
    const BandErrors& e = errors[b];
    const bool both_t30 = target[b].t30_s && other[b].t30_s;
    std::printf("  %6.0f Hz %9s %9s %9s %9s %8s %8s | %9s %9s %9s %9s %9s\n", e.hz,
                printed_or_dash("%.3f", both_t30 ? target[b].t30_s : target[b].t20_s).c_str(),
                printed_or_dash("%.3f", both_t30 ? other[b].t30_s : other[b].t20_s).c_str(),
                printed_or_dash("%.3f", target[b].edt_s).c_str(), printed_or_dash("%.3f", other[b].edt_s).c_str(),
                printed_or_dash("%.1f", target[b].c80_db).c_str(), printed_or_dash("%.1f", other[b].c80_db).c_str(),
                marked(e.t_error_pct, "%.1f", acoustics::kJndTPct).c_str(),
                marked(e.edt_error_pct, "%.1f", acoustics::kJndEdtPct).c_str(),
                marked(e.c80_error_db, "%.2f", acoustics::kJndC80Db).c_str(),
                marked(e.d50_error, "%.3f", acoustics::kJndD50).c_str(),
                printed_or_dash("%.2f ", e.level_error_db).c_str());
  }
}

void print_summary(const acoustics::Comparison& comparison) {
  const ComparisonFigures& all = comparison.all;
  std::printf("\n  %-16s %9s %9s %9s %9s %9s\n", "magnitudes", "T % ", "EDT % ", "C80 dB ", "D50 ", "level dB ");
  print_errors("octaves median", all.median);
  print_errors("octaves worst", all.worst);
  print_errors("thirds median", all.thirds_median);
  print_errors("thirds worst", all.thirds_worst);
  std::printf("  * at least one just noticeable difference: T %g %%, EDT %g %%, C80 %g dB, D50 %g\n\n",
              acoustics::kJndTPct, acoustics::kJndEdtPct, acoustics::kJndC80Db, acoustics::kJndD50);
  std::printf(
      "  level shape %s dB, broadband level %s dB, decay curves %s dB apart, spectrograms %s dB (smoothed %s dB)\n",
      printed_or_dash("%.2f", all.level_shape_db).c_str(), printed_or_dash("%+.2f", all.level_offset_db).c_str(),
      printed_or_dash("%.2f", all.edc_mae_db).c_str(), printed_or_dash("%.1f", all.lsd_db).c_str(),
      printed_or_dash("%.1f", all.lsd_smoothed_db).c_str());
  std::printf(
      "  after %g ms: isolated modes %s %% (target %s %%), echo density %s (target %s)\n", comparison.early_ms,
      printed_or_dash("%.2f", all.late_modes_pct).c_str(), printed_or_dash("%.2f", all.late_modes_target_pct).c_str(),
      printed_or_dash("%.2f", all.echo_density).c_str(), printed_or_dash("%.2f", all.echo_density_target).c_str());
  if (comparison.coherence_error) {
    std::printf("  coherence of the channels, by third octave: off by %s (after the early part %s)\n",
                printed_or_dash("%.3f", comparison.coherence_error).c_str(),
                printed_or_dash("%.3f", comparison.coherence_error_late).c_str());
  }
}

void compare_files(const CompareOptions& options) {
  const Audio target = read_response(options.target), other = read_response(options.other);
  for (const std::string& warning : acoustics::check_samples(target, options.target)) log().warning(warning);
  for (const std::string& warning : acoustics::check_samples(other, options.other)) log().warning(warning);
  if (target.channels.size() != other.channels.size()) {
    throw DataError(options.other + ": " + std::to_string(other.channels.size()) + " channels; expected " +
                    std::to_string(target.channels.size()) + ", as " + options.target + " has");
  }
  acoustics::ComparisonOptions settings;
  settings.early_ms = options.early_ms;
  const acoustics::Comparison comparison = acoustics::compare(target, other, settings);
  if (options.json) {
    std::cout << acoustics::to_json(comparison, options.target, options.other).dump(2) << "\n";
    return;
  }
  std::printf("target %s\nother  %s\n", options.target.c_str(), options.other.c_str());
  for (std::size_t c = 0; c < comparison.channels.size(); ++c) {
    const auto& t = comparison.target.channels[c];
    const auto& o = comparison.other.channels[c];
    if (comparison.channels.size() > 1) std::printf(" channel %zu\n", c + 1);
    if (t.no_decay) std::printf("  target: %s\n", t.no_decay->c_str());
    if (o.no_decay) std::printf("  other: %s\n", o.no_decay->c_str());
    print_bands("octave", comparison.channels[c].octaves, t.octaves, o.octaves);
  }
  print_summary(comparison);
}

}  // namespace

void add_compare_command(Command& app, Context&) {
  auto options = std::make_shared<CompareOptions>();
  Command* command = app.add_subcommand(
      "compare", "How near one impulse response comes to another, in just noticeable differences too");
  command->add_option("target", options->target, "what it should be")->required();
  command->add_option("other", options->other, "what it is; another rate is resampled to the target's")->required();
  command->add_flag("--json", options->json, "JSON on stdout");
  command
      ->add_option("--early-ms", options->early_ms,
                   "length of the early part: isolated modes and echo density are measured behind it")
      ->capture_default_str()
      ->check(in_range(0.0, 1000.0));
  command->footer("Examples:\n  diffverb compare room.wav run/ir.wav\n  diffverb compare --json room.wav run/ir.wav");
  command->callback([options] { compare_files(*options); });
}

}  // namespace diffverb
