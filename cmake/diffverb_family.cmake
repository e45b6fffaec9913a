# diffverb_family(<library> <singular> <BaseType> name...)
#
# Adds one kind of part to a library: <name>.cpp of each name beside the calling CMakeLists.txt, and a generated file with
# the explicit table of all of them, so that what is built is what is registered. A static library drops objects that
# nobody refers to, and with them statics that register themselves: the table refers to every part by name.
#
# The family is called as the calling folder is (losses, matrices, ...); <singular>.h in that folder declares <BaseType>
# in namespace diffverb and says DIFFVERB_FAMILY(<folder>, <BaseType>) (core/family.h). Each <name>.cpp says
# DIFFVERB_PART(<folder>, <name>, Class, "summary", "source").
# <library> is a target, or x for diffverb_x, which is made where it is not there yet.
function(diffverb_family library singular base)
  get_filename_component(family ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  if(TARGET ${library})
    set(target ${library})
  else()
    set(target diffverb_${library})
    if(NOT TARGET ${target})
      add_library(${target} STATIC)
      target_link_libraries(${target} PUBLIC diffverb_core)
      diffverb_precompile(${target})
    endif()
  endif()

  set(names ${ARGN})
  list(REMOVE_DUPLICATES names)
  if(NOT "${names}" STREQUAL "${ARGN}")
    message(FATAL_ERROR "${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt: a name stands twice in diffverb_family: ${ARGN}")
  endif()
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(makers "")
  set(rows "")
  foreach(name ${names})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
      message(FATAL_ERROR "${folder}/CMakeLists.txt: diffverb_family names '${name}', but there is no ${folder}/${name}.cpp")
    endif()
    target_sources(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
    string(APPEND makers "Part<${base}> diffverb_part_${family}_${name}();\n")
    string(APPEND rows "      diffverb_part_${family}_${name}(),\n")
  endforeach()

  set(table ${CMAKE_CURRENT_BINARY_DIR}/${family}_family.cpp)
  file(CONFIGURE OUTPUT ${table} @ONLY CONTENT [=[
// Made by diffverb_family() from @folder@/CMakeLists.txt. Do not edit.
#include "@folder@/@singular@.h"
#include "core/family.h"
#include "core/family_info.h"

namespace diffverb {

@makers@
template <>
const Family<@base@>& family<@base@>() {
  static const Family<@base@> table("@family@", "@singular@", {
@rows@  });
  return table;
}

FamilyInfo diffverb_family_info_@family@() { return describe(family<@base@>()); }

}  // namespace diffverb
]=])
  target_sources(${target} PRIVATE ${table})
  set_property(GLOBAL APPEND PROPERTY diffverb_families ${family})
endfunction()
