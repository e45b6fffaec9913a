# diffverb::torch: the CPU half of LibTorch as an imported target.
#
# find_package(Torch) is not used: for a CUDA build of LibTorch it fails where no CUDA toolkit is, even for code that runs
# on the CPU alone. Only libtorch_cpu and libc10 are linked, and never libtorch.so, which would pull the CUDA libraries in.
#
# LibTorch (a wheel's torch folder, an unpacked LibTorch zip, any install) is looked for in this order:
#   1. DIFFVERB_LIBTORCH, a CMake or environment variable
#   2. CMAKE_PREFIX_PATH
#   3. the cache folder that scripts/setup fills
set(DIFFVERB_LIBTORCH "" CACHE PATH "Folder of LibTorch: has include/ and lib/libtorch_cpu.so (or a torch/ that has)")
set(diffverb_torch_version 2.11.0)

if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(diffverb_cache $ENV{XDG_CACHE_HOME}/diffverb)
else()
  set(diffverb_cache $ENV{HOME}/.cache/diffverb)
endif()
set(diffverb_torch_places ${DIFFVERB_LIBTORCH} $ENV{DIFFVERB_LIBTORCH})
if(NOT diffverb_torch_places)  # what the user names must be there: no falling back to another one
  set(diffverb_torch_places ${CMAKE_PREFIX_PATH} ${diffverb_cache}/libtorch-${diffverb_torch_version})
endif()

set(diffverb_torch_root "")
foreach(place ${diffverb_torch_places})
  foreach(inner . torch ../.. libtorch)  # ../..: torch.utils.cmake_prefix_path points to torch/share/cmake
    if(NOT diffverb_torch_root AND EXISTS ${place}/${inner}/lib/libtorch_cpu.so AND
       EXISTS ${place}/${inner}/include/torch/csrc/api/include/torch/types.h)
      get_filename_component(diffverb_torch_root ${place}/${inner} REALPATH)
    endif()
  endforeach()
endforeach()
if(NOT diffverb_torch_root)
  string(REPLACE ";" "\n  " looked "${diffverb_torch_places}")
  message(FATAL_ERROR "No LibTorch found (lib/libtorch_cpu.so and its headers). Looked in\n  ${looked}\n"
    "Run scripts/setup, or give -DCMAKE_PREFIX_PATH=/where/libtorch/is")
endif()
message(STATUS "LibTorch: ${diffverb_torch_root}")

set(diffverb_torch_lib ${diffverb_torch_root}/lib)
add_library(diffverb_torch INTERFACE IMPORTED)
add_library(diffverb::torch ALIAS diffverb_torch)
target_include_directories(diffverb_torch SYSTEM INTERFACE
  ${diffverb_torch_root}/include ${diffverb_torch_root}/include/torch/csrc/api/include)
target_compile_definitions(diffverb_torch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO)
# ATen's own headers then bring the operators that they use, not all two thousand (core/tensor.h).
target_compile_definitions(diffverb_torch INTERFACE AT_PER_OPERATOR_HEADERS)
# One link item, so that CMake cannot reorder it: the operators register themselves when the library is loaded, hence
# --no-as-needed. The wheel's own rpath finds what libtorch_cpu needs, hence --allow-shlib-undefined here.
target_link_libraries(diffverb_torch INTERFACE
  "-Wl,--no-as-needed,${diffverb_torch_lib}/libtorch_cpu.so,${diffverb_torch_lib}/libc10.so,--as-needed")
target_link_options(diffverb_torch INTERFACE LINKER:--allow-shlib-undefined)
# at::parallel_for is a loop of one thread in a file that is compiled without OpenMP. The library behind it is LibTorch's own
# libgomp.so.1: one name, one copy in the process. Eigen keeps to the threads that it is called from.
find_package(OpenMP REQUIRED COMPONENTS CXX)
target_compile_options(diffverb_torch INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${OpenMP_CXX_FLAGS}>")
target_compile_definitions(diffverb_torch INTERFACE EIGEN_DONT_PARALLELIZE)
target_link_libraries(diffverb_torch INTERFACE ${OpenMP_CXX_LIBRARIES})
list(APPEND CMAKE_BUILD_RPATH ${diffverb_torch_lib})  # an install names none: cmake/diffverb_install.cmake
