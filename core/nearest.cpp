#include "core/nearest.h"

#include <algorithm>

#include "core/printed.h"

namespace diffverb {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest_name(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestName = 64;  // nobody misspells a name into more than that
  std::string best;
  if (name.size() > kLongestName) return best;
  std::size_t best_distance = std::max<std::size_t>(1, std::max<std::size_t>(name.size(), 3) / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(lower_case(name), lower_case(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty()) return best;
  for (const std::string& candidate : known) {  // "t60" for "t60_s": half of the name is there
    if (name.size() >= 3 && (candidate.rfind(name, 0) == 0 || (candidate.size() >= 3 && name.rfind(candidate, 0) == 0)))
      return candidate;
  }
  return best;
}

std::string known_names_hint(const std::string& name, const std::vector<std::string>& known) {
  std::string text;
  const std::string near = nearest_name(name, known);
  if (!near.empty()) text += ", did you mean '" + near + "'?";
  if (known.empty()) return text + " (none is known here)";
  text += near.empty() ? "; known: " : " known: ";
  for (std::size_t i = 0; i < known.size(); ++i) text += (i ? ", " : "") + known[i];
  return text;
}

}  // namespace diffverb
