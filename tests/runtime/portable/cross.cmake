# cmake -DTOOLCHAIN=... -DCOMPILER=... -DINCLUDES=... -DBUILD=... [-DEMULATOR=...] -P cross.cmake
#
# Builds the runtime for another machine, and golden_player there; with an emulator the golden files are played, without one
# linking a program has to do.
find_program(compiler ${COMPILER})
if(NOT compiler)
  message("skipped: no ${COMPILER}")
  return()
endif()

# Highway and nlohmann_json alone: no other header of this machine may be found.
file(MAKE_DIRECTORY ${BUILD}/headers)
foreach(library hwy nlohmann)
  file(CREATE_LINK ${INCLUDES}/${library} ${BUILD}/headers/${library} SYMBOLIC)
endforeach()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${said}\n${ARGN}: ${status}")
  endif()
  message("${said}")
endfunction()

set(launcher "")
find_program(ccache ccache)
if(ccache)
  set(ENV{CCACHE_SLOPPINESS} pch_defines,time_macros,include_file_mtime,include_file_ctime)
  set(launcher -DCMAKE_CXX_COMPILER_LAUNCHER=${ccache})
endif()
cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${BUILD}/build -DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN}
  -DCMAKE_BUILD_TYPE=Release -DDIFFVERB_RUNTIME_HEADERS=${BUILD}/headers ${launcher})
run(${CMAKE_COMMAND} --build ${BUILD}/build -j ${jobs})

set(program ${BUILD}/build/golden_player)
if(NOT EMULATOR)
  file(SIZE ${program}.exe size)
  message("linked: ${program}.exe, ${size} bytes")
  return()
endif()
list(GET EMULATOR 0 name)
find_program(emulator ${name})
if(NOT emulator)
  message("skipped: no ${name}, but it was built")
  return()
endif()
run(${EMULATOR} ${program} ${CMAKE_CURRENT_LIST_DIR}/../golden 1e-5)
