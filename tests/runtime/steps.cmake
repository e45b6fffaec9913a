# For scripts that build something of their own: include() it.
#   run(<command>...)  fails with what the command said; else that is ${said}
#   ${launcher}        the options of a configuration that take ccache, if it is there
#   ${jobs}            how many compilers to run
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${said}\n${ARGN}: ${status}")
  endif()
  set(said "${said}" PARENT_SCOPE)
endfunction()

set(launcher "")
find_program(ccache ccache)
if(ccache)
  set(ENV{CCACHE_SLOPPINESS} pch_defines,time_macros,include_file_mtime,include_file_ctime)
  set(launcher -DCMAKE_CXX_COMPILER_LAUNCHER=${ccache})
endif()
cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)
