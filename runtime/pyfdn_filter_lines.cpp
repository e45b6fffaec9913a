#include "runtime/pyfdn_filter_lines.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "runtime/biquad.h"
#include "runtime/network_check.h"
#include "runtime/network_plan.h"

namespace diffverb::runtime {
namespace {

using Gains = std::vector<double>;

/// A line with its row of A and B, and the column of C.
struct Line {
  int name = 0;  // its number in the weights
  std::int32_t delay = 0;
  std::vector<Biquad> filter;
  Gains from_lines, from_inputs, to_outputs;
};

bool any(const Gains& gains) {
  return std::any_of(gains.begin(), gains.end(), [](double gain) { return gain != 0; });
}

Gains scaled(Gains gains, double by) {
  for (double& gain : gains) gain *= by;
  return gains;
}

void add_scaled(Gains& to, const Gains& gains, double by) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += by * gains[i];
}

std::vector<Biquad> joined(std::vector<Biquad> first, const std::vector<Biquad>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

class Network {
 public:
  explicit Network(const DelayNetworkWeights& w) : w_(w) {
    const auto n = static_cast<std::size_t>(w.lines), inputs = static_cast<std::size_t>(w.inputs);
    const auto outputs = static_cast<std::size_t>(w.outputs);
    for (std::size_t j = 0; j < n; ++j) {
      Line line{static_cast<int>(j), w.delays[j], line_filter(w, static_cast<int>(j)), {}, {}, {}};
      for (std::size_t k = 0; k < n; ++k) line.from_lines.push_back(w.A[j * n + k]);
      for (std::size_t i = 0; i < inputs; ++i) line.from_inputs.push_back(w.B[j * inputs + i]);
      for (std::size_t o = 0; o < outputs; ++o) line.to_outputs.push_back(w.C[o * n + j]);
      lines_.push_back(std::move(line));
    }
    for (std::size_t o = 0; o < outputs; ++o)
      direct_.emplace_back(w.D.begin() + static_cast<std::ptrdiff_t>(o * inputs),
                           w.D.begin() + static_cast<std::ptrdiff_t>((o + 1) * inputs));
  }

  std::string absorb() {
    for (std::size_t z = 0; z < lines_.size();) {
      if (lines_[z].delay == 0 && is_gain(lines_[z].filter))
        multiply(z);
      else
        ++z;
    }
    while (std::any_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.delay == 0; })) {
      constexpr int kNever = 1 << 20;
      int best = kNever;
      std::size_t which = 0;
      bool behind = false;
      for (std::size_t z = 0; z < lines_.size(); ++z) {
        if (lines_[z].delay != 0) continue;
        if (const int more = lines_before(z); more >= 0 && more < best) best = more, which = z, behind = false;
        if (const int more = lines_behind(z); more >= 0 && more < best) best = more, which = z, behind = true;
      }
      if (best == kNever) return stuck();
      if (lines_.size() + static_cast<std::size_t>(best) > NetworkLimits::kLines)
        return "without filter lines the network has more than " + std::to_string(NetworkLimits::kLines) +
               " lines, which a build of pyFDN needs";
      if (behind)
        move_behind(which);
      else
        move_before(which);
    }
    return {};
  }

  std::string write(DelayNetworkWeights& out) const {
    out = w_;
    out.lines = static_cast<int>(lines_.size());
    std::size_t sections = 0;
    for (const Line& line : lines_) sections = std::max(sections, line.filter.size());
    if (lines_.empty()) return "nothing of the network is left but gains: a build of pyFDN needs a delay";
    if (sections > NetworkLimits::kSections)
      return "without filter lines a line has " + std::to_string(sections) + " sections, expected at most " +
             std::to_string(NetworkLimits::kSections);
    out.line_sections = static_cast<int>(sections);
    out.A.clear(), out.B.clear(), out.C.clear(), out.D.clear(), out.delays.clear(), out.line_sos.clear();
    for (const Line& line : lines_) {
      for (const double gain : line.from_lines) out.A.push_back(static_cast<float>(gain));
      for (const double gain : line.from_inputs) out.B.push_back(static_cast<float>(gain));
      out.delays.push_back(line.delay);
      std::vector<Biquad> filter = line.filter;
      filter.resize(sections);
      for (const Biquad& f : filter) push_section(out.line_sos, f);
    }
    for (std::size_t o = 0; o < direct_.size(); ++o) {
      for (const Line& line : lines_) out.C.push_back(static_cast<float>(line.to_outputs[o]));
      for (const double gain : direct_[o]) out.D.push_back(static_cast<float>(gain));
    }
    return {};
  }

 private:
  static bool is_gain(const std::vector<Biquad>& filter) {
    return std::all_of(filter.begin(), filter.end(),
                       [](const Biquad& f) { return f.b1 == 0 && f.b2 == 0 && f.a1 == 0 && f.a2 == 0; });
  }

  bool takes_only(const Line& line, std::size_t from) const {
    if (any(line.from_inputs)) return false;
    for (std::size_t k = 0; k < lines_.size(); ++k) {
      if (k != from && line.from_lines[k] != 0) return false;
    }
    return true;
  }
  bool is_heard(std::size_t k) const {
    return any(lines_[k].to_outputs) ||
           std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) { return line.from_lines[k] != 0; });
  }

  /// How many lines more there are when z's filter goes to the lines that feed it; -1 where it cannot.
  int lines_before(std::size_t z) const {
    if (any(lines_[z].from_inputs)) return -1;
    int count = 0;
    for (std::size_t k = 0; k < lines_.size(); ++k) {
      if (lines_[z].from_lines[k] == 0) continue;
      if (lines_[k].delay == 0) return -1;
      ++count;
    }
    return std::max(0, count - 1);
  }
  int lines_behind(std::size_t z) const {
    if (any(lines_[z].to_outputs)) return -1;
    int count = 0;
    for (const Line& line : lines_) {
      if (line.from_lines[z] == 0) continue;
      if (line.delay == 0) return -1;
      count += takes_only(line, z) ? 0 : 1;
    }
    return std::max(0, count - 1);
  }

  /// A further line, of which nothing is heard yet.
  std::size_t append(Line line) {
    line.to_outputs.assign(line.to_outputs.size(), 0.0);
    lines_.push_back(std::move(line));
    for (Line& other : lines_) other.from_lines.resize(lines_.size(), 0.0);
    return lines_.size() - 1;
  }
  void remove(std::size_t z) {
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(z));
    for (Line& line : lines_) line.from_lines.erase(line.from_lines.begin() + static_cast<std::ptrdiff_t>(z));
  }
  /// Whoever hears `from` hears `also` too, `gain` times.
  void hear_too(std::size_t from, std::size_t also, double gain) {
    for (Line& line : lines_) line.from_lines[also] += gain * line.from_lines[from];
    add_scaled(lines_[also].to_outputs, lines_[from].to_outputs, gain);
  }

  void multiply(std::size_t z) {
    double gain = 1;
    for (const Biquad& f : lines_[z].filter) gain *= f.b0;
    const Line line = lines_[z];
    for (Line& to : lines_) {
      const double by = gain * to.from_lines[z];
      add_scaled(to.from_lines, line.from_lines, by);
      add_scaled(to.from_inputs, line.from_inputs, by);
    }
    for (std::size_t k = 0; k < lines_.size(); ++k)
      add_scaled(lines_[k].to_outputs, line.to_outputs, gain * line.from_lines[k]);
    for (std::size_t o = 0; o < direct_.size(); ++o)
      add_scaled(direct_[o], line.from_inputs, gain * line.to_outputs[o]);
    remove(z);
  }

  void move_before(std::size_t z) {
    const Line line = lines_[z];
    std::vector<std::pair<std::size_t, double>> made;
    for (std::size_t k = 0; k < line.from_lines.size(); ++k) {
      if (line.from_lines[k] == 0) continue;
      Line beside = lines_[k];
      beside.filter = joined(beside.filter, line.filter);
      made.emplace_back(append(std::move(beside)), line.from_lines[k]);
    }
    for (const auto& [also, gain] : made) hear_too(z, also, gain);
    remove(z);
    for (std::size_t k = lines_.size(); k-- > 0;) {  // lines of which only z was to be heard
      if (lines_[k].delay > 0 && lines_.size() > 1 && !is_heard(k)) remove(k);
    }
  }

  void move_behind(std::size_t z) {
    const std::size_t before = lines_.size();
    for (std::size_t j = 0; j < before; ++j) {
      const double gain = lines_[j].from_lines[z];
      if (gain == 0) continue;
      std::size_t to = j;
      if (!takes_only(lines_[j], z)) {
        to = append(lines_[j]);
        hear_too(j, to, 1);
        lines_[j].from_lines[z] = 0;
      }
      lines_[to].filter = joined(lines_[z].filter, lines_[to].filter);
      lines_[to].from_lines = scaled(lines_[z].from_lines, gain);
      lines_[to].from_inputs = scaled(lines_[z].from_inputs, gain);
    }
    remove(z);
  }

  std::string stuck() const {
    const auto line = std::find_if(lines_.begin(), lines_.end(), [](const Line& l) { return l.delay == 0; });
    return "line " + std::to_string(line->name) +
           " is a filter without a delay on the input's way to the output, where a build of pyFDN has delays or gains "
           "only";
  }

  const DelayNetworkWeights& w_;
  std::vector<Line> lines_;
  std::vector<Gains> direct_;  // [O][I]
};

}  // namespace

std::string absorb_filter_lines(const DelayNetworkWeights& weights, DelayNetworkWeights& out) {
  out = weights;
  if (std::find(weights.delays.begin(), weights.delays.end(), 0) == weights.delays.end()) return {};
  Network network(weights);
  if (std::string error = network.absorb(); !error.empty()) return error;
  return network.write(out);
}

}  // namespace diffverb::runtime
