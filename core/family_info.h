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
  std::function<std::string()>
      property;  // what the part keeps, with its default keys; empty where a family has no such word
};

/// A family without its base class's type.
struct FamilyInfo {
  std::string name;
  std::string singular;
  std::vector<PartInfo> parts;
};

template <template <class> class Family, class Base>
FamilyInfo describe(const Family<Base>& family) {
  FamilyInfo info{family.name(), family.singular(), {}};
  for (const auto& part : family.parts()) {
    info.parts.push_back(
        {part.name, part.summary, part.source, [&family, name = part.name] { return family.keys(name); }, {}});
    if constexpr (requires(const Base& base) { property_name(base.property()); }) {
      info.parts.back().property = [make = part.make] {
        Fields fields = Fields::from_text("{}");
        return std::string(property_name(make(fields)->property()));
      };
    }
  }
  return info;
}

/// Every family of the program, in the order in which CMake met them. Generated (train/CMakeLists.txt).
std::vector<FamilyInfo> all_families();

}  // namespace diffverb
