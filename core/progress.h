#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace diffverb {

/// How far a loop is: step, loss, steps a second, time left.
///
/// On a terminal a bar that stays on one line; elsewhere a plain line every `line_every_s`, the first and the last step
/// included. Goes to stderr. The rate is shown once a second has passed since it can be told. Not for several threads at
/// once.
class Progress {
 public:
  struct Options {
    std::string title;
    std::int64_t total = 0;
    std::int64_t first =
        -1;  // steps behind when it is made; -1: not known, then the rate is counted from the first update
    std::string per = "steps/s";  // behind the rate, which is counted over `per_s` seconds
    double per_s = 1;
    double line_every_s = 5;
    bool terminal = stderr_is_terminal();
    std::function<double()> clock_s;              // for tests; default a steady clock
    std::function<void(const std::string&)> out;  // for tests; default stderr, through the log
  };

  explicit Progress(Options options);
  Progress(const std::string& title, std::int64_t total);
  ~Progress();  // takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// After a step: `done` steps are behind, the last one's loss was `loss` (NaN: not shown). Where steps cost unequally,
  /// `share` of the work is behind, 0 to 1: bar and time left follow it (NaN: they follow the steps).
  void update(std::int64_t done, double loss, double share = std::numeric_limits<double>::quiet_NaN());
  /// A word that stands behind the line from now on: how much of the time goes where.
  void set_note(const std::string& note) { note_ = note; }
  void finish();

  static bool stderr_is_terminal();

 private:
  std::string line(std::int64_t done, double loss, double share, double now_s) const;

  Options options_;
  double start_s_ = 0;  // when `options_.first` steps were behind
  double shown_s_ = 0;
  bool finished_ = false;
  std::string note_;
};

/// "0:07", "12:30", "2:03:00"
std::string clock_text(double seconds);

}  // namespace diffverb
