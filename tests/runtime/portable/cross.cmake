# cmake -DTOOLCHAIN=... -DHWY=... -DNLOHMANN=... -DWORK=... -DGOLDEN=... -P cross.cmake
#
# Builds the runtime for another machine, and golden_player there. Where the toolchain names an emulator the golden files are
# played, else linking a program has to do.
include(${TOOLCHAIN})
find_program(compiler ${CMAKE_CXX_COMPILER})
if(NOT compiler)
  message("skipped: no ${CMAKE_CXX_COMPILER}")
  return()
endif()

# Highway and nlohmann_json alone: no other header of this machine may be found.
file(MAKE_DIRECTORY ${WORK}/headers)
file(CREATE_LINK ${HWY}/hwy ${WORK}/headers/hwy SYMBOLIC)
file(CREATE_LINK ${NLOHMANN}/nlohmann ${WORK}/headers/nlohmann SYMBOLIC)

include(${CMAKE_CURRENT_LIST_DIR}/../steps.cmake)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN}
  -DCMAKE_BUILD_TYPE=Release -DDIFFVERB_RUNTIME_HEADERS=${WORK}/headers ${launcher})
run(${CMAKE_COMMAND} --build ${WORK}/build -j ${jobs})

set(program ${WORK}/build/golden_player)
if(NOT CMAKE_CROSSCOMPILING_EMULATOR)
  file(SIZE ${program}.exe size)
  message("linked: ${program}.exe, ${size} bytes")
  return()
endif()
list(GET CMAKE_CROSSCOMPILING_EMULATOR 0 name)
find_program(emulator ${name})
if(NOT emulator)
  message("skipped: no ${name}, but it was built")
  return()
endif()
run(${CMAKE_CROSSCOMPILING_EMULATOR} ${program} ${GOLDEN} 1e-5)
message("${said}")
