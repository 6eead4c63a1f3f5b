# loft_add_plugin(<kind>.<name> SOURCES a.cpp … [LIBRARIES lib …])
#
# Builds `<kind>.<name>.so`, and installs it with the component `host` unless LOFT_INSTALL_PLUGINS is off. Nothing but
# the gate is exported: a library that shows its std:: templates binds others to them and is bound by them. Undefined
# symbols fail at link time rather than at load time.
include(GNUInstallDirs)
set(LOFT_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.map)

function(loft_add_plugin id)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  if(NOT id MATCHES "^[a-z_]+\\.[a-z0-9_]+$")
    message(FATAL_ERROR "loft_add_plugin: '${id}' is not of the form <kind>.<name>, lower case")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "loft_add_plugin(${id}): SOURCES is missing")
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
  if(NOT DEFINED LOFT_INSTALL_PLUGINS OR LOFT_INSTALL_PLUGINS)
    install(TARGETS ${id} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/loft/plugins COMPONENT host)
  endif()
endfunction()
