#pragma once

#include <string>
#include <vector>

namespace diffverb {

/// The known name that a misspelt one most likely means: least edit distance (insert, delete, replace, swap
/// neighbours).
///
/// Returns  "" where nothing is near: more than a third of the letters, and more than one, would have to change
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

/// ", did you mean 'y'? known: a, b, y": the tail of every message about a name that nobody knows.
std::string known_names_hint(const std::string& name, const std::vector<std::string>& known);

}  // namespace diffverb
