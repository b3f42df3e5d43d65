# SPDX-License-Identifier: BSD-3-Clause
# What is installed, beside the programs: headers for plugins, what find_package and pkg-config look
# for, the manual, and the words of the shells' completions.
include(CMakePackageConfigHelpers)

install(DIRECTORY include/zircon include/vcpuspec DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vcpuspec)
install(FILES backends/common/user_copy.c backends/common/user_copy.h
              backends/common/user_copy_arch.h backends/common/${vs_user_copy_host}
        DESTINATION ${CMAKE_INSTALL_DATADIR}/vcpuspec/user_copy)
# Examples to copy. Only sources: whoever tries them in place leaves other things beside them.
install(DIRECTORY shims/c shims/js shims/python shims/rust DESTINATION ${CMAKE_INSTALL_DATADIR}/vcpuspec/shims
        FILES_MATCHING PATTERN "*.[ch]" PATTERN "*.js" PATTERN "*.py" PATTERN "*.rs" PATTERN "*.md"
        PATTERN "Cargo.toml" PATTERN "__pycache__" EXCLUDE PATTERN "target" EXCLUDE)

set(package ${CMAKE_INSTALL_DATADIR}/cmake/vcpuspec)
configure_package_config_file(cmake/package/vcpuspecConfig.cmake.in package/vcpuspecConfig.cmake
  INSTALL_DESTINATION ${package}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_DATADIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(package/vcpuspecConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/vcpuspecConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/package/vcpuspecConfigVersion.cmake
              cmake/package/vcpuspecConformanceTest.cmake
        DESTINATION ${package})

configure_file(cmake/package/vcpuspec.pc.in package/vcpuspec.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/vcpuspec.pc
        DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
foreach(engine kvm unicorn)
  if(TARGET vcpuspec-${engine})
    configure_file(cmake/package/library.pc.in package/vcpuspec-${engine}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/vcpuspec-${engine}.pc
            DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
  endif()
endforeach()

if(NOT CMAKE_CROSSCOMPILING)  # this machine has made them
  set(made ${CMAKE_BINARY_DIR}/installed)
  install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${made}/vcpuspec.bash RENAME vcpuspec
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${made}/_vcpuspec DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
file(GLOB documents docs/*.md docs/*.json docs/*.png)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
