# SPDX-License-Identifier: BSD-3-Clause
# One helper each for what every target needs.
include_guard()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wno-psabi -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                    -fno-omit-frame-pointer)
# The same bytes wherever it is built; while debugging, paths are to be found.
add_compile_options($<$<CONFIG:Release>:-ffile-prefix-map=${PROJECT_BINARY_DIR}=build>
                    $<$<CONFIG:Release>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.>)
if(VS_WERROR)
  add_compile_options(-Werror)
endif()
if(VS_SANITIZE)
  add_compile_options(-fsanitize=${VS_SANITIZE} -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=${VS_SANITIZE})
endif()

# A library of one room: vs_room(name SOURCES ... KNOWS ...). KNOWS are the targets that it may see.
function(vs_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;KNOWS" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC ${ROOM_KNOWS})
endfunction()

# What instrumented objects call is to be found in the program.
function(vs_offer_coverage name)
  target_link_options(${name} PRIVATE LINKER:--dynamic-list=${PROJECT_SOURCE_DIR}/cmake/coverage.syms)
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/coverage.syms)
endfunction()

# The tests of this directory find what our packages installed before a version manager's wrapper: to start python3
# through one takes ten times as long.
function(vs_tests_use_packages)
  get_property(tests DIRECTORY PROPERTY TESTS)
  if(tests)
    set_property(TEST ${tests} APPEND PROPERTY ENVIRONMENT_MODIFICATION "PATH=path_list_prepend:/usr/bin")
  endif()
endfunction()
