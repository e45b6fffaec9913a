#include "runtime/terms/term_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>

#include "runtime/metadata.h"
#include "runtime/terms/frame_term.h"
#include "runtime/terms/product_term.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kMostTerms = 16;

/// A kind of term: its name, its tensors' names, and how it is read.
struct Kind {
  const char* name;
  std::vector<const char*> tensors;
  std::string (*read)(const Container& file, const std::string& name, int outputs, int inputs,
                      std::shared_ptr<const Term>& term);
};

template <typename T>
std::string read_as(const Container& file, const std::string& name, int outputs, int inputs,
                    std::shared_ptr<const Term>& term) {
  auto made = std::make_shared<T>();
  std::string error = made->read(file, name, outputs, inputs);
  term = std::move(made);
  return error;
}

template <typename T>
Kind kind_of() {
  return {T::kKind, T::tensor_names(), read_as<T>};
}

const std::array<Kind, 2>& kinds() {
  static const std::array<Kind, 2> all = {kind_of<ProductTerm>(), kind_of<FrameTerm>()};
  return all;
}

std::string prefix(std::size_t term) { return "term" + std::to_string(term) + "_"; }

/// The kinds that the metadata names, in order.
std::string read_kinds(const Container& file, std::vector<const Kind*>& out) {
  const std::string* text = find_metadata(file, kTerms);
  if (!text) return {};
  std::istringstream words(*text);
  for (std::string word; words >> word;) {
    const auto found =
        std::find_if(kinds().begin(), kinds().end(), [&](const Kind& kind) { return kind.name == word; });
    if (found == kinds().end()) {
      std::string known;
      for (const Kind& kind : kinds()) known += (known.empty() ? "" : ", ") + std::string(kind.name);
      return "metadata 'terms' names the kind " + in_quotes(word) + ", expected " + known;
    }
    out.push_back(&*found);
  }
  if (out.empty() || out.size() > kMostTerms)
    return "metadata 'terms' names " + std::to_string(out.size()) + " kinds, expected 1 to " +
           std::to_string(kMostTerms);
  return {};
}

}  // namespace

std::string list_term_tensors(const Container& file, std::vector<std::string>& names) {
  std::vector<const Kind*> found;
  std::string error = read_kinds(file, found);
  for (std::size_t k = 0; k < found.size(); ++k) {
    for (const char* tensor : found[k]->tensors) names.push_back(prefix(k) + tensor);
  }
  return error;
}

std::string read_terms(const Container& file, int outputs, int inputs, Terms& terms) {
  std::vector<const Kind*> found;
  std::string error = read_kinds(file, found);
  for (std::size_t k = 0; error.empty() && k < found.size(); ++k)
    error = found[k]->read(file, prefix(k), outputs, inputs, terms.emplace_back());
  return error;
}

std::string check_terms(const Terms& terms, const TermShape& shape) {
  if (terms.size() > kMostTerms)
    return "there are " + std::to_string(terms.size()) + " terms, expected at most " + std::to_string(kMostTerms);
  for (std::size_t k = 0; k < terms.size(); ++k) {
    if (!terms[k]) return "term " + std::to_string(k) + " is not there";
    if (std::string error = terms[k]->check(shape, prefix(k)); !error.empty()) return error;
  }
  return {};
}

void add_terms(const Terms& terms, const TermShape& shape, Term::Tensors& tensors,
               std::map<std::string, std::string, std::less<>>& metadata) {
  std::string text;
  for (std::size_t k = 0; k < terms.size(); ++k) {
    terms[k]->add_tensors(shape, prefix(k), tensors);
    text += (k > 0 ? " " : "") + std::string(terms[k]->kind());
  }
  if (!terms.empty()) metadata[kTerms] = text;
}

double filtered_sample(const float* taps, std::size_t count, const std::vector<double>& x, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < std::min(count, n + 1); ++k) sum += static_cast<double>(taps[k]) * x[n - k];
  return sum;
}

}  // namespace diffverb::runtime
