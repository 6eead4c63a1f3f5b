# Finds SOCI, which ships no CMake configuration of its own on Debian.
#
#   find_package(SOCI 4.0 REQUIRED COMPONENTS sqlite3)   # also postgresql, mysql
#
# gives the targets SOCI::core and SOCI::<component>. A plugin links the component it needs: then no library is looked
# up by name at run time.
find_path(SOCI_INCLUDE_DIR soci/soci.h)
find_library(SOCI_CORE_LIBRARY soci_core)
mark_as_advanced(SOCI_INCLUDE_DIR SOCI_CORE_LIBRARY)

if(SOCI_INCLUDE_DIR AND EXISTS ${SOCI_INCLUDE_DIR}/soci/version.h)
  file(STRINGS ${SOCI_INCLUDE_DIR}/soci/version.h soci_version_line REGEX "define SOCI_LIB_VERSION \"")
  string(REGEX MATCH "[0-9]+_[0-9]+_[0-9]+" soci_version "${soci_version_line}")
  string(REPLACE "_" "." SOCI_VERSION "${soci_version}")
endif()

foreach(component IN LISTS SOCI_FIND_COMPONENTS)
  find_library(SOCI_${component}_LIBRARY soci_${component})
  find_path(SOCI_${component}_INCLUDE_DIR soci/${component}/soci-${component}.h)
  mark_as_advanced(SOCI_${component}_LIBRARY SOCI_${component}_INCLUDE_DIR)
  if(SOCI_${component}_LIBRARY AND SOCI_${component}_INCLUDE_DIR)
    set(SOCI_${component}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI
  REQUIRED_VARS SOCI_CORE_LIBRARY SOCI_INCLUDE_DIR VERSION_VAR SOCI_VERSION HANDLE_COMPONENTS)

if(SOCI_FOUND AND NOT TARGET SOCI::core)
  add_library(SOCI::core UNKNOWN IMPORTED)
  set_target_properties(SOCI::core PROPERTIES
    IMPORTED_LOCATION ${SOCI_CORE_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${SOCI_INCLUDE_DIR}
    # The library hides the type information of classes that its headers use; UBSan's vptr check would need it.
    INTERFACE_COMPILE_OPTIONS "$<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=vptr>")
endif()
if(SOCI_FOUND)
  foreach(component IN LISTS SOCI_FIND_COMPONENTS)
    if(SOCI_${component}_FOUND AND NOT TARGET SOCI::${component})
      add_library(SOCI::${component} UNKNOWN IMPORTED)
      set_target_properties(SOCI::${component} PROPERTIES
        IMPORTED_LOCATION ${SOCI_${component}_LIBRARY} INTERFACE_LINK_LIBRARIES SOCI::core)
    endif()
  endforeach()
endif()
