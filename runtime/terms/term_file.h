#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/safetensors.h"
#include "runtime/terms/term.h"

namespace diffverb::runtime {

/// Terms in a weights file: metadata `terms` names their kinds in order ("product frame_network"), the tensors of term k
/// are named term<k>_<name>. What each kind has stands in its header.
inline constexpr const char* kTerms = "terms";

/// Returns an empty string, or what is wrong with the metadata; `names` are the tensors that belong to it.
std::string list_term_tensors(const Container& file, std::vector<std::string>& names);
/// Returns an empty string, or what is wrong with the tensors' types and shapes.
std::string read_terms(const Container& file, int outputs, int inputs, Terms& terms);
/// Returns an empty string, or the first reason against one of them.
std::string check_terms(const Terms& terms, const TermShape& shape);
void add_terms(const Terms& terms, const TermShape& shape, Term::Tensors& tensors,
               std::map<std::string, std::string, std::less<>>& metadata);

}  // namespace diffverb::runtime
