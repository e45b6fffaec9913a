# cmake --install <build> --strip --prefix <folder>: one folder that runs on a machine with a LibTorch of the same version and
# none of our other libraries (a GPU machine, a cluster's node):
#
#   bin/    the programs; with the CUDA module also test_cuda
#   lib/    libdiffverb_cuda.so, and the few libraries beside LibTorch that the programs link
#   share/diffverb/    configs, experiments/gpu, and the responses of experiments/demo
#
# LibTorch is no part of it: LD_LIBRARY_PATH names its lib/ there. Copy the folder to wherever it is to run.
include(GNUInstallDirs)

set(diffverb_installed diffverb)
if(TARGET test_cuda)
  list(APPEND diffverb_installed test_cuda)
endif()
# RPATH and not RUNPATH: it also holds for what the libraries beside the program need of each other.
foreach(target ${diffverb_installed})
  target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)
endforeach()
if(TARGET diffverb-render)
  list(APPEND diffverb_installed diffverb-render)
endif()
set_target_properties(${diffverb_installed} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")

# What every Linux has (glibc and the compiler's runtime), and what comes with LibTorch.
set(diffverb_not_ours "^lib(torch|c10|caffe2|shm|gomp|nccl|nv|cu(da|dnn|blas|fft|solver|sparse|rand|pti|file))" "^ld-linux"
  "^lib(c|m|dl|rt|pthread|resolv|util|stdc\\+\\+|gcc_s)\\.so")
install(TARGETS ${diffverb_installed}
  RUNTIME_DEPENDENCIES PRE_EXCLUDE_REGEXES ${diffverb_not_ours}
  RUNTIME DESTINATION bin
  LIBRARY DESTINATION lib)
if(TARGET diffverb_cuda)
  set_target_properties(diffverb_cuda PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS diffverb_cuda LIBRARY DESTINATION lib)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs DESTINATION share/diffverb)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/experiments/demo DESTINATION share/diffverb/experiments)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/experiments/gpu DESTINATION share/diffverb/experiments USE_SOURCE_PERMISSIONS)
