# SPDX-License-Identifier: BSD-3-Clause
# Programs that the build itself runs. A cross compiler's would not run here, so they then come from a
# second build, by this machine's own compiler, in the folder host/ of the build.
if(CMAKE_CROSSCOMPILING)
  include(ExternalProject)
  set(tools embed-scripts embed-text)
  list(TRANSFORM tools PREPEND ${CMAKE_BINARY_DIR}/host/ OUTPUT_VARIABLE files)
  ExternalProject_Add(host_tools
    PREFIX ${CMAKE_BINARY_DIR}/host_tools SOURCE_DIR ${PROJECT_SOURCE_DIR}
    BINARY_DIR ${CMAKE_BINARY_DIR}/host
    CMAKE_ARGS -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DVS_WERROR=${VS_WERROR}
    BUILD_COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS ${CMAKE_COMMAND} --build <BINARY_DIR> --target ${tools}
    INSTALL_COMMAND "" BUILD_ALWAYS ON BUILD_BYPRODUCTS ${files})
endif()

# vs_host_tool(name SOURCE LIBRARIES...)
function(vs_host_tool name source)
  if(NOT CMAKE_CROSSCOMPILING)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${ARGN})
    return()
  endif()
  add_executable(${name} IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${CMAKE_BINARY_DIR}/host/${name})
  add_dependencies(${name} host_tools)
endfunction()
