# cmake -DRUNTIME=... -DCORPUS=... -DGOLDEN=... -DWORK=... -P fuzz_minute.cmake
# Fuzzes all loaders for a minute from the kept corpus, with clang's libFuzzer.
find_program(clang NAMES clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14)
if(NOT clang)
  message("skipped: no clang++")
  return()
endif()
file(WRITE ${WORK}/probe.cpp
  "#include <cstddef>\n#include <cstdint>\nextern \"C\" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) { return 0; }\n")
execute_process(COMMAND ${clang} -fsanitize=fuzzer,address ${WORK}/probe.cpp -o ${WORK}/probe RESULT_VARIABLE status
  OUTPUT_QUIET ERROR_QUIET)
if(NOT status EQUAL 0)
  message("skipped: ${clang} has no libFuzzer")
  return()
endif()

include(${CMAKE_CURRENT_LIST_DIR}/steps.cmake)
run(${CMAKE_COMMAND} -S ${RUNTIME} -B ${WORK}/build -DCMAKE_CXX_COMPILER=${clang} -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DDIFFVERB_FUZZ=ON -DDIFFVERB_RUNTIME_PROGRAM=OFF
  -DDIFFVERB_RUNTIME_PRECOMPILED=ON ${launcher})
run(${CMAKE_COMMAND} --build ${WORK}/build -j ${jobs} --target fuzz_loaders)

# What is new stays here; a finding is $WORK/crash-... and prints how to see it again.
file(MAKE_DIRECTORY ${WORK}/found)
run(${WORK}/build/fuzz_loaders -max_total_time=60 -timeout=30 -malloc_limit_mb=700 -rss_limit_mb=2048 -max_len=32768
  -print_final_stats=1 -artifact_prefix=${WORK}/ ${WORK}/found ${CORPUS} ${GOLDEN})
string(REGEX MATCH "stat::.*" end "${said}")
message("${end}")
