# diffverb::packages: the system libraries that the torch-free part of core stands on, behind one name.
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SNDFILE REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(SOXR REQUIRED IMPORTED_TARGET soxr)
find_path(KISSFFT_INCLUDE_DIR kissfft/kissfft.hh REQUIRED)  # header only: its C++ template
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)

add_library(diffverb_packages INTERFACE)
add_library(diffverb::packages ALIAS diffverb_packages)
target_include_directories(diffverb_packages INTERFACE ${PROJECT_SOURCE_DIR})
target_include_directories(diffverb_packages SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS} ${KISSFFT_INCLUDE_DIR})
target_link_libraries(diffverb_packages INTERFACE
  ${HDF5_C_LIBRARIES} yaml-cpp PkgConfig::SNDFILE PkgConfig::SOXR PkgConfig::HWY nlohmann_json::nlohmann_json Eigen3::Eigen
  Threads::Threads)
