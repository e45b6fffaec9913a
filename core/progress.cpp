#include "core/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/log.h"

namespace diffverb {
namespace {

constexpr double kBarEverySeconds = 0.1;
constexpr double kRateAfterSeconds = 1;  // sooner it says how long the first step took, or nothing at all
constexpr int kBarWidth = 24;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool Progress::stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(std::min(std::max(seconds, 0.0), 3.6e6) + 0.5);
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

Progress::Progress(const std::string& title, std::int64_t total) : Progress(Options{.title = title, .total = total}) {}

Progress::Progress(Options options) : options_(std::move(options)) {
  if (!options_.clock_s) options_.clock_s = steady_seconds;
  if (!options_.out) {
    options_.out = [terminal = options_.terminal](const std::string& text) {
      if (terminal) {
        log().set_bottom_line(text);
      } else {
        log().info(text);
      }
    };
  }
  start_s_ = options_.clock_s();
  shown_s_ = -1e9;
}

Progress::~Progress() { finish(); }

void Progress::update(std::int64_t done, double loss, double share) {
  const double now_s = options_.clock_s();
  if (options_.first < 0) {
    options_.first = done;
    start_s_ = now_s;
  }
  const double every_s = options_.terminal ? kBarEverySeconds : options_.line_every_s;
  const bool at_end = done >= options_.total;
  if (now_s - shown_s_ < (at_end ? 0 : every_s)) return;
  shown_s_ = at_end ? std::numeric_limits<double>::infinity() : now_s;  // the end is said once
  options_.out(line(done, loss, share, now_s));
}

std::string Progress::line(std::int64_t done, double loss, double share, double now_s) const {
  const std::int64_t total = std::max<std::int64_t>(options_.total, 1);
  const bool has_share = !std::isnan(share);
  std::string text = options_.title + " ";
  if (options_.terminal) {
    const auto steps = has_share ? static_cast<std::int64_t>(share * kBarWidth) : done * kBarWidth / total;
    const int filled = static_cast<int>(std::clamp<std::int64_t>(steps, 0, kBarWidth));
    text += "[" + std::string(static_cast<std::size_t>(filled), '#') +
            std::string(static_cast<std::size_t>(kBarWidth - filled), '.') + "] ";
  }
  char part[64];
  std::snprintf(part, sizeof part, "%lld/%lld", static_cast<long long>(done), static_cast<long long>(options_.total));
  text += part;
  if (!std::isnan(loss)) {
    std::snprintf(part, sizeof part, "  loss %.4g", loss);
    text += part;
  }
  const double steps = static_cast<double>(done - options_.first), elapsed_s = now_s - start_s_;
  if (elapsed_s >= kRateAfterSeconds) {
    if (steps > 0) {
      std::snprintf(part, sizeof part, "  %.3g ", steps / elapsed_s * options_.per_s);
      text += part + options_.per;
    }
    const double behind = has_share ? share : steps;
    const double left = has_share ? 1 - share : static_cast<double>(options_.total - done);
    if (behind > 0) text += "  left " + clock_text(left / behind * elapsed_s);
  }
  return note_.empty() ? text : text + "  " + note_;
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  if (options_.terminal) options_.out("");
}

}  // namespace diffverb
