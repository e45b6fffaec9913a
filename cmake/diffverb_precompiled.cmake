# LibTorch's tensor, JSON and the standard library, compiled once: to read them is most of the time that a file takes. No
# operators (core/tensor.h): the templates of what is precompiled are instantiated in each file again, needed or not.
#
#   diffverb_precompile(target...)   each target takes the precompiled headers; its sources include what they use all the same
#
# A program's have GoogleTest too (tests/CMakeLists.txt): the programs with many sources are those of the tests.
#
# -DDIFFVERB_PRECOMPILED=OFF builds without, and so finds an #include that is missing.
option(DIFFVERB_PRECOMPILED "Precompile LibTorch's headers" ON)

if(DIFFVERB_PRECOMPILED)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled/precompiled.cpp CONTENT "// Carries the precompiled headers.\n")
  # Two: g++ refuses a library's (-fPIC) for a program (-fPIE).
  foreach(kind library program)
    set(carrier diffverb_precompiled_${kind})
    if(kind STREQUAL "library")
      add_library(${carrier} STATIC ${PROJECT_BINARY_DIR}/precompiled/precompiled.cpp)
    else()
      file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled/program.cpp CONTENT "int main() { return 0; }\n")
      add_executable(${carrier} EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled/program.cpp)
    endif()
    target_link_libraries(${carrier} PRIVATE diffverb::packages diffverb::torch)
    target_precompile_headers(${carrier} PRIVATE
      <ATen/TensorOperators.h> <ATen/core/Tensor.h> <ATen/core/grad_mode.h> <nlohmann/json.hpp> <algorithm> <filesystem>
      <functional> <map> <memory> <optional> <string> <vector>)
    target_compile_options(${carrier} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>")
  endforeach()
endif()

function(diffverb_precompile)
  if(NOT DIFFVERB_PRECOMPILED)
    return()
  endif()
  foreach(target ${ARGN})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      set(carrier diffverb_precompiled_program)
    else()
      set(carrier diffverb_precompiled_library)
    endif()
    target_precompile_headers(${target} REUSE_FROM ${carrier})
    add_dependencies(${target} ${carrier})
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>")  # for ccache
  endforeach()
endfunction()
