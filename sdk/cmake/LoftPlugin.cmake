# loft_add_plugin(<kind>.<name> SOURCES a.cpp … [LIBRARIES lib …] [SCHEMAS a.schema.json …]
#                 [TESTS a_test.cpp …] [CHECK] [CASES a.cases.json])
#
# Builds `<kind>.<name>.so`, and installs it with the component `host` unless LOFT_INSTALL_PLUGINS is off. Nothing but
# the gate is exported: a library that shows its std:: templates binds others to them and is bound by them. Undefined
# symbols fail at link time rather than at load time.
#
#   SCHEMAS  JSON Schemas of messages as files of their own. `acme_poll.schema.json` becomes a header for SOURCES and
#            TESTS, `acme_poll.schema.hpp`, with its text in the array of characters `acme_poll_schema`. The header is made
#            again when the file changes; a file that is no JSON ends the configuration.
#   TESTS    Sources of a program against the testing kit, and its test `<kind>.<name>.test`.
#   CHECK    A test `<kind>.<name>.check`: `loft plugins check` of the library. Left out, with a word about it, where there
#            is no `loft`; LOFT_EXECUTABLE names one.
#   CASES    A file of cases for it; includes CHECK.
#
# Tests are there after `enable_testing()`. Relative names are below the calling folder. The library is installed to
# LOFT_PLUGIN_INSTALL_DIR, where a host of the same prefix looks for it.
include(GNUInstallDirs)
set(LOFT_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.map)

# Writes the header of a schema into `folder`.
function(loft_schema_header file folder)
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "loft_add_plugin: the schema ${file} is missing")
  endif()
  get_filename_component(name ${file} NAME)
  if(NOT name MATCHES "^([A-Za-z][A-Za-z0-9_]*)\\.schema\\.json$")
    message(FATAL_ERROR "loft_add_plugin: the schema ${file} must be named like acme_poll.schema.json")
  endif()
  set(stem ${CMAKE_MATCH_1})
  file(READ ${file} text)
  string(JSON type ERROR_VARIABLE wrong TYPE "${text}")
  if(wrong)
    message(FATAL_ERROR "loft_add_plugin: the schema ${file} is no JSON: ${wrong}")
  endif()
  string(FIND "${text}" ")loft_schema\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "loft_add_plugin: the schema ${file} holds )loft_schema\", which ends its text in C++")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  # Only what differs is written, so that nothing is compiled again for nothing.
  file(CONFIGURE OUTPUT ${folder}/${stem}.schema.hpp @ONLY CONTENT
"// Made of @name@ by loft_add_plugin.
#pragma once

inline constexpr char @stem@_schema[] = R\"loft_schema(@text@)loft_schema\";
")
endfunction()

function(loft_add_plugin_check id cases)
  if(NOT LOFT_EXECUTABLE)
    message(STATUS "there is no loft to check ${id} with: install the package loft, or say -DLOFT_EXECUTABLE=…/bin/loft")
    return()
  endif()
  set(words)
  if(cases)
    cmake_path(ABSOLUTE_PATH cases BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    set(words --cases ${cases})
  endif()
  add_test(NAME ${id}.check COMMAND ${LOFT_EXECUTABLE} plugins check $<TARGET_FILE:${id}> ${words})
endfunction()

function(loft_add_plugin id)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CHECK" "CASES" "SOURCES;LIBRARIES;SCHEMAS;TESTS")
  if(NOT id MATCHES "^[a-z_]+\\.[a-z0-9_]+$")
    message(FATAL_ERROR "loft_add_plugin: '${id}' is not of the form <kind>.<name>, lower case")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "loft_add_plugin(${id}): SOURCES is missing")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "loft_add_plugin(${id}): what is '${arg_UNPARSED_ARGUMENTS}'? It knows SOURCES, LIBRARIES, "
      "SCHEMAS, TESTS, CHECK and CASES")
  endif()
  add_library(${id} MODULE ${arg_SOURCES})
  target_link_libraries(${id} PRIVATE loft::sdk ${arg_LIBRARIES})
  target_compile_features(${id} PRIVATE cxx_std_20)
  set_target_properties(${id} PROPERTIES
    PREFIX "" OUTPUT_NAME ${id} SUFFIX .so
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${LOFT_PLUGIN_VERSION_SCRIPT})
  if(LOFT_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${id} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${LOFT_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  target_link_options(${id} PRIVATE -Wl,--version-script=${LOFT_PLUGIN_VERSION_SCRIPT})
  # The sanitizers' run-time symbols live in the executable.
  get_directory_property(options LINK_OPTIONS)
  if(NOT options MATCHES "-fsanitize")
    target_link_options(${id} PRIVATE -Wl,-z,defs)
  endif()

  set(schemas ${CMAKE_CURRENT_BINARY_DIR}/${id}.schemas)
  foreach(schema IN LISTS arg_SCHEMAS)
    loft_schema_header(${schema} ${schemas})
  endforeach()
  if(arg_SCHEMAS)
    target_include_directories(${id} PRIVATE ${schemas})
  endif()
  if(arg_TESTS)
    add_executable(${id}.test ${arg_TESTS})
    target_link_libraries(${id}.test PRIVATE loft::sdk ${arg_LIBRARIES})
    target_include_directories(${id}.test PRIVATE ${schemas})
    add_test(NAME ${id}.test COMMAND ${id}.test)
  endif()
  if(arg_CHECK OR arg_CASES)
    loft_add_plugin_check(${id} "${arg_CASES}")
  endif()

  if(NOT DEFINED LOFT_INSTALL_PLUGINS OR LOFT_INSTALL_PLUGINS)
    if(NOT DEFINED LOFT_PLUGIN_INSTALL_DIR)
      set(LOFT_PLUGIN_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/loft/plugins)
    endif()
    install(TARGETS ${id} LIBRARY DESTINATION ${LOFT_PLUGIN_INSTALL_DIR} COMPONENT host)
  endif()
endfunction()
