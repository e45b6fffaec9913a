#pragma once

#include <filesystem>
#include <string>

namespace diffverb {

inline constexpr const char* kUnknownLicence = "unknown";

/// A short name for the text of a licence: the SPDX identifier of the common ones (MIT, CC0-1.0, CC-BY-4.0,
/// CC-BY-SA-4.0, Apache-2.0, ...), else its first line, at most 80 characters; "unknown" for an empty text and for
/// SOFA's "No license provided".
std::string licence_name(const std::string& text);

/// What a file LICENSE, LICENCE, COPYING or license.txt (in any case) says that stands in the folder of `file` or in
/// one above it, up to `root`; "unknown" where there is none.
std::string licence_near(const std::filesystem::path& file, const std::filesystem::path& root);

}  // namespace diffverb
