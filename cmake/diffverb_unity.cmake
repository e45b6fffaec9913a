# Compiles the sources of one folder up to eight at a time: what LibTorch's headers cost is paid once for all of them, and a
# full build takes half the time. A source that is changed takes its neighbours along, so it is off where only one file is
# built at a time: -DDIFFVERB_UNITY=OFF.
#
#   diffverb_unity(target...)   call it when the targets have all their sources
#
# Names in the anonymous namespaces of a folder have to differ then. Kernels that Highway compiles for every instruction set
# stay by themselves: such a file includes itself again.
option(DIFFVERB_UNITY "Compile several sources of a folder at once" OFF)
set(DIFFVERB_UNITY_SOURCES 8 CACHE STRING "How many at most")

function(diffverb_unity)
  if(NOT DIFFVERB_UNITY)
    return()
  endif()
  foreach(target ${ARGN})
    if(NOT TARGET ${target})
      continue()
    endif()
    get_target_property(sources ${target} SOURCES)
    get_target_property(home ${target} SOURCE_DIR)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    foreach(source ${sources})
      get_filename_component(path ${source} ABSOLUTE BASE_DIR ${home})
      if(NOT path MATCHES "\\.cpp$" OR NOT EXISTS ${path})
        continue()
      endif()
      file(STRINGS ${path} kernel LIMIT_COUNT 1 REGEX "HWY_TARGET_INCLUDE")
      if(kernel)
        continue()
      endif()
      get_filename_component(folder ${path} DIRECTORY)
      string(MAKE_C_IDENTIFIER "${folder}" counter)
      if(NOT DEFINED count_${target}_${counter})
        set(count_${target}_${counter} 0)
      endif()
      math(EXPR group "${count_${target}_${counter}} / ${DIFFVERB_UNITY_SOURCES}")
      math(EXPR count_${target}_${counter} "${count_${target}_${counter}} + 1")
      string(MD5 name "${folder}")  # CMake names the compiled file after the group
      string(SUBSTRING ${name} 0 6 name)
      get_filename_component(last ${folder} NAME)
      set_property(SOURCE ${path} TARGET_DIRECTORY ${target} PROPERTY UNITY_GROUP ${last}_${name}_${group})
    endforeach()
  endforeach()
endfunction()
