#include "core/printed.h"
#include "train/levels/levels.h"
#include "train/levels/medians.h"

namespace diffverb {
namespace {

constexpr std::size_t kKeyWidth = 28, kNumberWidth = 11;

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string cell(const std::optional<double>& value) {
  return right_aligned(printed_or_dash("%.4g", value), kNumberWidth);
}

std::string figure_row(const Figure& one) {
  return "  " + padded(one.key, kKeyWidth) + cell(one.value) + (one.target ? cell(one.target) : "") + "\n";
}

/// Figures that are missing for one reason, from the first of them to the last.
std::string missing_row(const Figure& first, const Figure& last) {
  const std::string keys = first.key + (first.key == last.key ? "" : " ... " + last.key);
  return "  " + padded(keys, kKeyWidth) + "  - " + first.why_not + "\n";
}

std::string level_rows(const Level& level) {
  std::string out = level.name + "\n";
  if (level.figures.empty()) return out + "  - " + level.why_not + "\n";
  for (std::size_t k = 0; k < level.figures.size(); ++k) {
    const Figure& one = level.figures[k];
    if (one.value) {
      out += figure_row(one);
      continue;
    }
    while (k + 1 < level.figures.size() && !level.figures[k + 1].value && level.figures[k + 1].why_not == one.why_not)
      ++k;
    out += missing_row(one, level.figures[k]);
  }
  return out;
}

std::string sign_row(const SignCount& count) {
  const acoustics::Sign& sign = count.worst;
  const std::string found = !sign.found ? "?" : *sign.found ? "yes" : "no";
  const std::string share =
      count.judged > 1 ? std::to_string(count.found) + "/" + std::to_string(count.judged) : std::string();
  return "  " + padded(sign.name, 18) + padded(found, 4) + right_aligned(share, 7) + cell(sign.value) +
         cell(count.target) + right_aligned(printed(sign.above ? "> %.4g" : "<= %.4g", sign.limit), kNumberWidth) +
         " " + padded(sign.unit, 6) + sign.why + "\n";
}

}  // namespace

std::string levels_table(const ModelLevels& model, const std::vector<const ResponseLevels*>& responses) {
  std::string out = padded("level by level", kKeyWidth + 2) + right_aligned("played", kNumberWidth) +
                    right_aligned("target", kNumberWidth) +
                    (responses.size() > 1 ? "  medians of " + std::to_string(responses.size()) : "") + "\n";
  for (const Level& level : median_levels(model, responses)) out += level_rows(level);
  const std::vector<SignCount> signs = worst_signs(responses);
  for (const bool good : {false, true}) {
    if (signs.empty()) break;
    out += std::string(good ? "good" : "bad ") + " signs" + std::string(21, ' ') +
           right_aligned("played", kNumberWidth) + right_aligned("target", kNumberWidth) +
           right_aligned("limit", kNumberWidth) + "\n";
    for (const SignCount& one : signs) {
      if (one.worst.is_good == good) out += sign_row(one);
    }
  }
  return out;
}

}  // namespace diffverb
