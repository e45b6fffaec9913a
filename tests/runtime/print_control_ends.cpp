// control_ends [--rates HZ,...] [--threads N] [--cells FILE.tsv] MODEL...: plays every model at every control's ends, and some
// together, at many rates, and prints what became of it as tables. experiments/control_ends says what they mean.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "control_ends.h"

using namespace diffverb::runtime;           // NOLINT(google-build-using-namespace): a program of one file
using namespace diffverb::runtime::testing;  // NOLINT(google-build-using-namespace)

namespace {

struct Options {
  std::vector<double> rates_hz{8000, 44100, 48000, 96000, 192000, 384000};
  unsigned threads = 1;
  std::string cells;
  std::vector<std::filesystem::path> models;
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool has_value = i + 1 < count;
    if (word == "--rates" && has_value) {
      options.rates_hz.clear();
      std::istringstream list(words[++i]);
      for (std::string hz; std::getline(list, hz, ',');) options.rates_hz.push_back(std::atof(hz.c_str()));
    } else if (word == "--threads" && has_value) {
      options.threads = static_cast<unsigned>(std::max(1, std::atoi(words[++i])));
    } else if (word == "--cells" && has_value) {
      options.cells = words[++i];
    } else {
      options.models.emplace_back(word);
    }
  }
  return options;
}

/// Everything at 48 kHz; pairs also where filters have the least room.
Extent extent_at(double rate_hz) {
  return rate_hz == 48000 ? Extent::kAll : rate_hz < 16000 ? Extent::kPairs : Extent::kEnds;
}

/// All that is asked of a model; what stands around the voice of the first one only.
std::vector<Cell> table_of(const std::filesystem::path& path, const Options& options, bool with_chain) {
  const std::string name = path.stem().string();
  const SourceResult loaded = load_source(path);
  if (!loaded) {
    Cell refused{name, {}, 0, {}, {}};
    refused.heard.problem = loaded.error;
    return {refused};
  }
  std::vector<Cell> cells;
  const auto add = [&](std::vector<Cell> more) { cells.insert(cells.end(), more.begin(), more.end()); };
  for (const Extent extent : {Extent::kAll, Extent::kPairs, Extent::kEnds}) {
    std::vector<double> rates_hz = options.rates_hz;
    std::erase_if(rates_hz, [extent](double rate_hz) { return extent_at(rate_hz) != extent; });
    add(cells_of(name, loaded.source, rates_hz, asked_of_voices(*loaded.source, extent)));
  }
  if (with_chain) add(cells_of(name, loaded.source, options.rates_hz, asked_of_chain()));
  return cells;
}

double worst_decay(const Cell& cell) {
  double worst = 1;
  for (std::size_t band = 0; band < kDecayBands_hz.size(); ++band) {
    const auto error = cell.decay_error(band);
    if (error && std::abs(std::log(*error)) > std::abs(std::log(worst))) worst = *error;
  }
  return worst;
}

double least_share(const Cell& cell) {
  double least = 1;
  for (std::size_t band = 0; band < kDecayBands_hz.size(); ++band)
    least = std::min(least, cell.decay_share(band).value_or(1));
  return least;
}

bool is_nearer(const Cell& a, const Cell& b) {
  return std::abs(std::log(worst_decay(a))) < std::abs(std::log(worst_decay(b)));
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void print_head() {
  std::printf(
      "| model | cells | faults | decay time off | median %% | 95 %% below | louder dB | worst decay time |\n"
      "|---|---|---|---|---|---|---|---|\n");
}

void print_model(const std::vector<Cell>& cells) {
  std::vector<double> errors;
  double louder = -300;
  int bad = 0, off = 0;
  for (const Cell& cell : cells) {
    const std::string fault = cell.fault();
    off += fault == "decay time" ? 1 : 0;
    bad += !fault.empty() && fault != "decay time" ? 1 : 0;
    if (!cell.heard.problem.empty() || !cell.heard.is_finite) continue;
    louder = std::max(louder, cell.louder_db());
    for (std::size_t band = 0; band < kDecayBands_hz.size(); ++band) {
      if (const auto error = cell.decay_error(band)) errors.push_back(100 * std::abs(*error - 1));
    }
  }
  const Cell& worst = *std::max_element(cells.begin(), cells.end(), is_nearer);
  std::printf("| %s | %zu | %d | %d | %.1f | %.1f | %.1f | %.2f x, %.0f %% of the way: %s at %g kHz |\n",
              cells[0].model.c_str(), cells.size(), bad, off, quantile(errors, 0.5), quantile(errors, 0.95), louder,
              worst_decay(worst), 100 * least_share(worst), worst.asked.text().c_str(), worst.rate_hz / 1000);
  std::fflush(stdout);
}

void print_worst(std::vector<Cell> cells) {
  constexpr std::size_t kMost = 25;
  std::erase_if(cells, [](const Cell& cell) { return cell.fault().empty(); });
  std::sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) {
    const bool a_off = a.fault() == "decay time", b_off = b.fault() == "decay time";
    return a_off != b_off ? b_off : is_nearer(b, a);
  });
  std::printf(
      "\n%zu cells with a fault%s\n\n| model | asked | kHz | fault | decay time | of the way | louder dB "
      "|\n|---|---|---|---|---|---|---|\n",
      cells.size(), cells.size() > kMost ? ", the worst of them:" : "");
  for (std::size_t i = 0; i < std::min(kMost, cells.size()); ++i) {
    const Cell& cell = cells[i];
    std::printf("| %s | %s | %g | %s | %.2f x | %.0f %% | %.1f |\n", cell.model.c_str(), cell.asked.text().c_str(),
                cell.rate_hz / 1000, cell.fault().c_str(), worst_decay(cell), 100 * least_share(cell),
                cell.louder_db());
  }
}

void write_cells(const std::string& path, const std::vector<Cell>& cells) {
  std::ofstream file(path);
  file << "model\tasked\trate_hz\tfault\tfall_db\tbalance_error_db\tlouder_db";
  for (const double hz : kDecayBands_hz) file << "\town_t60_s_" << hz << "\tt60_s_" << hz << "\terror_" << hz;
  file << '\n';
  for (const Cell& cell : cells) {
    file << cell.model << '\t' << cell.asked.text() << '\t' << cell.rate_hz << '\t' << cell.fault() << '\t'
         << cell.heard.fall_db << '\t' << cell.balance_error_db() << '\t' << cell.louder_db();
    for (std::size_t band = 0; band < kDecayBands_hz.size(); ++band)
      file << '\t' << cell.own.t60_s[band].value_or(0) << '\t' << cell.heard.t60_s[band].value_or(0) << '\t'
           << cell.decay_error(band).value_or(0);
    file << '\n';
  }
}

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  if (options.models.empty()) {
    std::fprintf(stderr, "usage: control_ends [--rates HZ,...] [--threads N] [--cells FILE.tsv] MODEL...\n");
    return 1;
  }
  std::vector<std::vector<Cell>> tables(options.models.size());
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  std::mutex printing;
  print_head();
  for (unsigned t = 0; t < options.threads; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < tables.size(); i = next++) {
        tables[i] = table_of(options.models[i], options, i == 0);
        const std::lock_guard lock(printing);
        print_model(tables[i]);
      }
    });
  }
  threads.clear();
  std::vector<Cell> all;
  for (const auto& cells : tables) all.insert(all.end(), cells.begin(), cells.end());
  print_worst(all);
  if (!options.cells.empty()) write_cells(options.cells, all);
  return 0;
}
