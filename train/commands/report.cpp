#include "train/report/report.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "train/cli.h"
#include "train/report/pair_page.h"
#include "train/report/run_data.h"
#include "train/report/training_data.h"
#include "train/training/training_report.h"

namespace diffverb {
namespace {

struct ReportOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  std::filesystem::path picture;
  std::int64_t examples = 48;
};

/// Whether these are trainings; of both kinds there is no one page.
bool all_trainings(const std::vector<std::filesystem::path>& runs) {
  std::size_t trainings = 0;
  for (const auto& run : runs) trainings += report::is_training_run(run) ? 1 : 0;
  if (trainings == 0 || trainings == runs.size()) return trainings > 0;
  for (const auto& run : runs) {
    if (!report::is_training_run(run)) report::read_run(run);  // says what is wrong with one that holds no run
  }
  throw ConfigError("report: some folders are of diffverb train, others of diffverb fit; one page shows one kind");
}

/// Before the work, that what comes of it can be written.
void check_writable(const std::filesystem::path& out) {
  if (is_device(out)) return;
  if (::access((out.parent_path() / ".").c_str(), W_OK | X_OK) != 0)
    throw DataError(out.string() + ": cannot be written: " + std::strerror(errno));
}

void write(const ReportOptions& options) {
  const bool trainings = all_trainings(options.runs);
  if (!options.picture.empty()) {
    if (options.runs.size() != 1)
      throw ConfigError("report: --picture shows one run; got " + std::to_string(options.runs.size()));
    if (trainings) throw ConfigError("report: --picture shows a run of diffverb fit");
    check_writable(options.picture);
    write_picture(options.runs[0], options.picture);
    log().info("wrote " + options.picture.string());
    return;
  }
  std::filesystem::path out = options.out;
  if (out.empty()) out = options.runs.size() == 1 ? options.runs[0] / "report.html" : "report.html";
  if (!options.out.empty()) check_writable(out);
  if (trainings) {
    write_training_report(options.runs, out, options.examples);
  } else if (options.runs.size() == 1 && report::is_pair_run(options.runs[0])) {
    write_pair_report(options.runs[0], out);
  } else {
    write_report(options.runs, out);
  }
  log().info("wrote " + out.string());
}

}  // namespace

void add_report_command(Command& app, Context&) {
  auto options = std::make_shared<ReportOptions>();
  Command* command = app.add_subcommand("report", "Write the page that shows a run, or several side by side");
  command->add_option("runs", options->runs, "run folders of diffverb fit, or of diffverb train")->required();
  command->add_option("--out", options->out, "HTML file [report.html in the run folder; here for several runs]");
  command->add_option("--picture", options->picture, "write an SVG of decay, T and EDT instead of the page");
  command->add_option("--examples", options->examples, "of a training: so many are reproduced and measured")
      ->check(in_range(1, 100000))
      ->capture_default_str();
  command->footer(
      "Examples:\n  diffverb report runs/room\n  diffverb report runs/room runs/hall --out both.html\n"
      "  diffverb report runs/room --picture room.svg\n"
      "  diffverb report runs/autoencoder                    a training, also while it goes on\n"
      "  diffverb report runs/a runs/b --out trainings.html");
  command->callback([options] { write(*options); });
}

}  // namespace diffverb
