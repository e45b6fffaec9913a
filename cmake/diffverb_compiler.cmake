# Compiler flags of every target, and ccache where the machine has it.
#
# -fno-math-errno lets sqrt and friends vectorise. -ffast-math is out: it breaks the NaN and infinity checks that the
# library's errors rest on.

set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG -fno-math-errno")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG -fno-math-errno")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS")
# g++ 12 sees overlaps and overruns in std::string operator+ that are not there (its bug 105651), hence -Wno-restrict and
# its like.
# nvcc takes none of these.
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wno-unused-parameter;-Wno-missing-field-initializers>"
  "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow>")
if(DIFFVERB_SANITIZE)
  add_compile_options(
    "$<$<COMPILE_LANGUAGE:C,CXX>:-O1;-fsanitize=address,undefined;-fno-omit-frame-pointer;-fno-sanitize-recover=undefined>"
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)  # g++ warns of its own <regex> and <functional> otherwise
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(DIFFVERB_CCACHE ccache)
if(DIFFVERB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What ccache asks for where headers are precompiled (cmake/diffverb_precompiled.cmake).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${DIFFVERB_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${DIFFVERB_CCACHE})
endif()
