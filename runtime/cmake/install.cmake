# cmake --install <build> --component runtime --prefix <folder>: the library, its public headers, and a package that
# find_package(diffverb-runtime) finds. Within the whole repository only that component installs them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(diffverb_runtime_headers
  dense.h diffverb_runtime.h engine.h envelope_decoder.h envelope_encoder.h low_end.h moving_responses.h
  nonlinear_loop.h pyfdn_network.h render.h resampling.h response_bank.h safetensors.h stereo_width.h
  variation.h waveform_decoder.h weights.h
  live/controls.h live/live_reverb.h live/preset.h live/source.h terms/term.h)

set(everywhere "")
if(NOT PROJECT_IS_TOP_LEVEL)
  set(everywhere EXCLUDE_FROM_ALL)
endif()
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/diffverb-runtime)

# Headers stand under include/diffverb/runtime, and are included as here: #include "runtime/engine.h".
target_include_directories(diffverb_runtime INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/diffverb>)
foreach(header ${diffverb_runtime_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/${header} COMPONENT runtime ${everywhere}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/diffverb/runtime/${folder})
endforeach()

# A static library leaves the linking of Highway and threads to the program; a shared one has linked them itself.
if(NOT BUILD_SHARED_LIBS AND NOT DIFFVERB_RUNTIME_HEADERS)
  target_link_libraries(diffverb_runtime PRIVATE $<INSTALL_INTERFACE:hwy>)
endif()

set_target_properties(diffverb_runtime PROPERTIES EXPORT_NAME runtime VERSION ${PROJECT_VERSION} SOVERSION 0
  WINDOWS_EXPORT_ALL_SYMBOLS ON)
install(TARGETS diffverb_runtime EXPORT diffverb-runtime
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime ${everywhere}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime ${everywhere}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime ${everywhere})
install(EXPORT diffverb-runtime NAMESPACE diffverb:: COMPONENT runtime ${everywhere} DESTINATION ${package}
  FILE diffverb-runtime-targets.cmake)
configure_package_config_file(${CMAKE_CURRENT_SOURCE_DIR}/cmake/diffverb-runtime-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/diffverb-runtime-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/diffverb-runtime-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/diffverb-runtime-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/diffverb-runtime-config-version.cmake COMPONENT runtime ${everywhere} DESTINATION ${package})
