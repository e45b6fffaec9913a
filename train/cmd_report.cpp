#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "train/cli.h"
#include "train/report/report.h"

namespace diffverb {
namespace {

struct ReportOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  std::filesystem::path picture;
};

void report(const ReportOptions& options) {
  if (!options.picture.empty()) {
    if (options.runs.size() != 1)
      throw ConfigError("report: --picture shows one run; got " + std::to_string(options.runs.size()));
    write_picture(options.runs[0], options.picture);
    log().info("wrote " + options.picture.string());
    return;
  }
  std::filesystem::path out = options.out;
  if (out.empty()) out = options.runs.size() == 1 ? options.runs[0] / "report.html" : "report.html";
  write_report(options.runs, out);
  log().info("wrote " + out.string());
}

}  // namespace

void add_report_command(CLI::App& app, Context&) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand("report", "Write the page that shows a run, or several side by side");
  command->add_option("runs", options->runs, "run folders of diffverb fit")->required();
  command->add_option("--out", options->out, "HTML file [report.html in the run folder; here for several runs]");
  command->add_option("--picture", options->picture, "write an SVG of decay, T and EDT instead of the page");
  command->footer(
      "Examples:\n  diffverb report runs/room\n  diffverb report runs/room runs/hall --out both.html\n"
      "  diffverb report runs/room --picture room.svg");
  command->callback([options] { report(*options); });
}

}  // namespace diffverb
