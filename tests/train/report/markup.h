#pragma once

#include <cctype>
#include <string>
#include <vector>

namespace diffverb::report {

/// What is wrong with the tags of an XML text; empty where every tag is closed in order, attributes are quoted and no
/// bare < or & stands between them.
inline std::string markup_fault(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = 0; at < xml.size();) {
    if (xml[at] == '&') {
      const std::size_t end = xml.find(';', at);
      if (end == std::string::npos || end - at > 8) return "bare & at " + std::to_string(at);
    }
    if (xml[at] != '<') {
      ++at;
      continue;
    }
    const bool closing = at + 1 < xml.size() && xml[at + 1] == '/';
    std::size_t end = at + 1 + closing;
    std::string name;
    while (end < xml.size() && (std::isalnum(static_cast<unsigned char>(xml[end])) || xml[end] == '-'))
      name += xml[end++];
    if (name.empty()) return "bare < at " + std::to_string(at);
    bool quoted = false;
    while (end < xml.size() && (quoted || xml[end] != '>')) {
      if (xml[end] == '"') quoted = !quoted;
      if (xml[end] == '<') return "< inside tag " + name;
      ++end;
    }
    if (end >= xml.size()) return "tag " + name + " does not end";
    if (closing) {
      if (open.empty() || open.back() != name) return "</" + name + "> closes nothing";
      open.pop_back();
    } else if (xml[end - 1] != '/') {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

/// How often a text stands in another.
inline std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

}  // namespace diffverb::report
