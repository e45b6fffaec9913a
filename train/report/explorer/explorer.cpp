#include "train/report/explorer/explorer.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "train/report/dry_sound.h"
#include "train/report/explorer/explorer_page.h"
#include "train/report/html.h"
#include "train/report/listen.h"

namespace diffverb::report {
namespace {

namespace fs = std::filesystem;

constexpr double kRange_db = 70, kPeak_db = -1, kFade_s = 0.01, kDryRate_hz = 44100;

/// Energy still to come at each sample, mean of the channels.
std::vector<double> energy_to_come(const Audio& pair) {
  std::vector<double> out(pair.frames() + 1, 0.0);
  for (std::size_t n = pair.frames(); n-- > 0;) {
    out[n] = out[n + 1];
    for (const std::vector<float>& channel : pair.channels) {
      const double value = static_cast<double>(channel[n]);
      out[n] += value * value / static_cast<double>(pair.channels.size());
    }
  }
  return out;
}

/// A line y = at + slope x.
struct Line {
  double count = 0, x = 0, y = 0, xx = 0, xy = 0;
  void add(double px, double py) {
    ++count;
    x += px;
    y += py;
    xx += px * px;
    xy += px * py;
  }
  double slope() const { return (count * xy - x * y) / (count * xx - x * x); }
  double at(double px) const { return (y - slope() * x) / count + slope() * px; }
};

double decibels(double energy) { return 10 * std::log10(std::max(energy, 1e-30)); }

/// Energy that a response cut off before its end would still have had, by the line through its second half.
double beyond_end(const std::vector<double>& to_come) {
  const std::size_t block = std::max<std::size_t>(1, (to_come.size() - 1) / 200), blocks = (to_come.size() - 1) / block;
  Line line;
  for (std::size_t b = blocks / 2; b < blocks; ++b)
    line.add(static_cast<double>(b), decibels(to_come[b * block] - to_come[(b + 1) * block]));
  if (line.count < 3 || !(line.slope() < 0)) return 0;
  return std::pow(10.0, line.at(static_cast<double>(blocks)) / 10) / (-line.slope() * std::log(10.0) / 10);
}

/// From the line through -5 to -25 dB; 0 where the decay does not reach so far.
double t20_s(const std::vector<double>& to_come, double rate_hz) {
  if (!(to_come[0] > 0)) return 0;
  const double beyond = beyond_end(to_come);
  Line line;
  bool reached = false;
  for (std::size_t n = 0; n + 1 < to_come.size() && !reached; ++n) {
    const double db = decibels((to_come[n] + beyond) / (to_come[0] + beyond));
    reached = db < -25;
    if (db <= -5 && !reached) line.add(static_cast<double>(n) / rate_hz, db);
  }
  const bool found = reached && line.count > 2 && line.slope() < 0;
  return found ? -60 / line.slope() : 0;
}

/// A point as it is put into the page's files.
struct Point {
  std::string base64;
  PointFacts facts;
};

Point encode_point(const runtime::ResponseBank& bank, int i, int j, int k, const ExplorerOptions& options) {
  Audio pair;
  pair.rate_hz = bank.sample_rate_hz;
  for (int c = 0; c < 2; ++c) {
    const auto response = bank.response(i, j, k, c);
    pair.channels.emplace_back(response.begin(), response.end());
  }
  const std::vector<double> to_come = energy_to_come(pair);
  Point out;
  out.facts.t_s = t20_s(energy_to_come({pair.rate_hz, {pair.channels[0]}}), pair.rate_hz);
  // What is 70 dB down and lower is not kept.
  const double silence = to_come[0] * std::pow(10.0, -kRange_db / 10);
  const auto end = std::find_if(to_come.begin(), to_come.end(), [&](double energy) { return energy <= silence; });
  const auto frames = std::max<std::size_t>(64, static_cast<std::size_t>(end - to_come.begin()));
  const auto fade = std::min(frames, static_cast<std::size_t>(kFade_s * pair.rate_hz));
  for (std::vector<float>& channel : pair.channels) {
    channel.resize(frames, 0.0f);
    for (std::size_t n = 0; n < fade; ++n) channel[frames - 1 - n] *= static_cast<float>(n) / static_cast<float>(fade);
  }
  const double top = peak(pair), gain = top > 0 ? std::pow(10.0, kPeak_db / 20) / top : 1;
  out.facts.gain_db = to_come[0] > 0 ? -20 * std::log10(gain) - 10 * std::log10(to_come[0]) : 0;
  out.base64 = base64(encode_sound(pair, gain, options.format, options.quality));
  return out;
}

/// Encodes every point and writes sounds/X_Y.js, on several threads.
class SoundWriter {
 public:
  SoundWriter(const runtime::ResponseBank& bank, fs::path folder, const ExplorerOptions& options)
      : bank_(bank), folder_(std::move(folder)), options_(options) {
    facts_.resize(count());
  }

  void run() {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    const int threads = std::clamp(options_.threads > 0 ? options_.threads : cores, 1, 64);
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) pool.emplace_back([this] { work(); });
    for (std::thread& thread : pool) thread.join();
    if (failure_) std::rethrow_exception(failure_);
  }
  std::size_t count() const { return static_cast<std::size_t>(bank_.size(0)) * bank_.size(1) * bank_.size(2); }
  const std::vector<PointFacts>& facts() const { return facts_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void work() {
    try {
      const int chunks = bank_.size(0) * bank_.size(1);
      for (int chunk = next_++; chunk < chunks && !failed_; chunk = next_++)
        write_chunk(chunk / bank_.size(1), chunk % bank_.size(1));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_ = true;
    }
  }

  void write_chunk(int i, int j) {
    const std::string name = std::to_string(i) + "_" + std::to_string(j);
    std::string text = "diffverb_sounds(\"" + name + "\",[";
    for (int k = 0; k < bank_.size(2); ++k) {
      Point point = encode_point(bank_, i, j, k, options_);
      text += (k == 0 ? "\n\"" : ",\n\"") + point.base64 + "\"";
      facts_[(static_cast<std::size_t>(i) * bank_.size(1) + j) * bank_.size(2) + k] = point.facts;
      const std::lock_guard lock(mutex_);
      if (options_.progress) options_.progress(++done_, count());
    }
    text += "]);\n";
    write_file_atomically(folder_ / (name + ".js"), text);
    bytes_ += text.size();
  }

  const runtime::ResponseBank& bank_;
  fs::path folder_;
  const ExplorerOptions& options_;
  std::vector<PointFacts> facts_;
  std::atomic<int> next_{0};
  std::atomic<bool> failed_{false};
  std::atomic<std::size_t> bytes_{0};
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::exception_ptr failure_;
};

/// Throws where something else than an explorer would be lost.
void check_folder(const fs::path& folder, bool overwrite) {
  std::error_code code;
  if (!fs::exists(folder, code)) return;
  if (!fs::is_directory(folder, code))
    throw ConfigError(folder.string() + ": exists and is no folder, expected a folder to make");
  if (fs::is_empty(folder, code)) return;
  if (!overwrite) throw ConfigError(folder.string() + ": exists; give --overwrite, or another --out");
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (name != "index.html" && name != "sounds")
      throw ConfigError(folder.string() + ": holds " + name + ", which no explorer wrote; give another --out");
  }
}

/// A folder that goes away unless it has been moved to its place.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& wanted)
      : wanted_(wanted), path_(wanted.string() + "." + std::to_string(::getpid()) + ".tmp") {
    make_folder(path_ / "sounds");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }
  void move_into_place() {
    std::error_code code;
    const fs::path old = wanted_.string() + "." + std::to_string(::getpid()) + ".old";
    const bool replaces = fs::exists(wanted_, code);
    if (replaces) fs::rename(wanted_, old, code);
    if (!code) fs::rename(path_, wanted_, code);
    if (code) {
      std::error_code ignored;
      if (replaces) fs::rename(old, wanted_, ignored);
      throw DataError(wanted_.string() + ": cannot be written: " + code.message());
    }
    if (replaces) fs::remove_all(old, code);
  }

 private:
  fs::path wanted_, path_;
};

fs::path without_slash(fs::path folder) {
  folder = folder.lexically_normal();
  return !folder.has_filename() && folder.has_relative_path() ? folder.parent_path() : folder;
}

}  // namespace

ExplorerFiles write_explorer(const runtime::ResponseBank& bank, const fs::path& out, const ExplorerOptions& options) {
  const fs::path folder = without_slash(out);
  if (folder.empty()) throw ConfigError("the output folder's name is empty");
  check_folder(folder, options.overwrite);
  if (folder.has_parent_path()) make_folder(folder.parent_path());
  TemporaryFolder temporary(folder);
  SoundWriter sounds(bank, temporary.path() / "sounds", options);
  sounds.run();
  ExplorerPage page;
  page.bank = &bank;
  page.bank_file = options.bank_file;
  page.sounds_mb = static_cast<double>(sounds.bytes()) / 1e6;
  page.points = sounds.facts();
  page.dry_sound = encode_sound(make_dry_sound(kDryRate_hz, kDrySeed), 1, SoundFormat::kFlac);
  const std::string html = explorer_page(page);
  write_file_atomically(temporary.path() / "index.html", html);
  temporary.move_into_place();
  const auto chunks = static_cast<std::size_t>(bank.size(0)) * static_cast<std::size_t>(bank.size(1));
  return {chunks + 1, sounds.bytes() + html.size(), sounds.count()};
}

}  // namespace diffverb::report
