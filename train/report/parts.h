#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "train/report/chart.h"
#include "train/report/listen.h"
#include "train/report/png.h"

namespace diffverb::report {

/// A whole page around its body: style sheets before, scripts after.
std::string page(const std::string& title, const std::string& body);

/// Links to the sections of a page: id and name of each.
std::string navigation(const std::vector<std::pair<std::string, std::string>>& sections);

/// Charts that a click enlarges, in a grid: grid2, grid3 or wide.
std::string figures(const std::vector<Chart>& charts, const char* grid);

/// One entry of a key to curves; `name` as it stands in the page.
std::string line_key(const std::string& style, const std::string& name);

/// A ramp of the colours of pictures between two texts (HTML).
std::string colour_ramp(const std::vector<Colour>& palette, const std::string& low, const std::string& high);

/// A section of which the script shows one channel at a time.
std::string section(const std::string& id, const std::string& title, const std::string& intro, std::size_t channels,
                    const std::function<std::string(std::size_t)>& content);

/// Players for the sounds of one pair, as 16-bit WAV or FLAC; of two, a button switches between them.
std::string sound_card(const ListeningCopy& copy, const std::string& pair, const std::string& title, bool flac = false);

/// A term and its description, both escaped; nothing for an empty value.
void add_row(std::string& rows, const std::string& name, const std::string& value);

/// Sentences on what a page leaves out; empty for none.
std::string missing_box(const std::vector<std::string>& sentences);

/// config.resolved.yaml and the end of the log; either may be empty.
std::string config_and_log(const std::string& config_yaml, const std::string& log);

/// Ids are unique in a page: each in `html` gets a prefix.
std::string with_prefix(std::string html, const std::string& prefix);

/// A relative address from a folder to a file, each byte outside the plain set as %XX.
std::string relative_link(const std::filesystem::path& file, const std::filesystem::path& base);

}  // namespace diffverb::report
