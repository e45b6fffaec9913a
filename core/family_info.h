#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/fields.h"

namespace diffverb {

/// What `diffverb list` shows of one part.
struct PartInfo {
  std::string name;
  std::string summary;
  std::string source;
  std::function<std::vector<KeyInfo>()> keys;
};

/// A family without its base class's type.
struct FamilyInfo {
  std::string name;
  std::string singular;
  std::vector<PartInfo> parts;
};

template <class Family>
FamilyInfo describe(const Family& family) {
  FamilyInfo info{family.name(), family.singular(), {}};
  for (const auto& part : family.parts())
    info.parts.push_back(
        {part.name, part.summary, part.source, [&family, name = part.name] { return family.keys(name); }});
  return info;
}

/// Every family of the program, in the order in which CMake met them. Generated (train/CMakeLists.txt).
std::vector<FamilyInfo> all_families();

}  // namespace diffverb
