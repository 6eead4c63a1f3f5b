# Debian packages of what `cmake --install` installs: `cpack` in a build folder writes loft_….deb (the component host) and
# loft-sdk_….deb (the component sdk). docs/operating/installation.md says how they are used.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR Loft)
set(CPACK_PACKAGE_CONTACT "The Loft maintainers <maintainers@loft.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own, the first line of its description
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL host sdk)
set(CPACK_STRIP_FILES ON)
# The unit names its program: the prefix must be the one on the target, not that of the folder that is packed.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/LoftPackageRights.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_HOST_PACKAGE_NAME loft)
set(CPACK_DEBIAN_HOST_PACKAGE_SECTION net)
set(CPACK_DEBIAN_HOST_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_HOST_PACKAGE_RECOMMENDS "adduser, ca-certificates")
set(CPACK_COMPONENT_HOST_DESCRIPTION "messaging host that speaks many wire contracts over one store
A messaging server for the clients that you have: it speaks several protocols
over HTTP, WebSocket and TCP, keeps users, conversations and messages in
SQLite, PostgreSQL or MariaDB, and notifies users who are away.

This package has the host, its plugins, and examples of configurations.")

set(CPACK_DEBIAN_SDK_PACKAGE_NAME loft-sdk)
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_SDK_PACKAGE_ARCHITECTURE all)
# Plugins are built as the host was, `loft new` makes them, and `loft plugins check` looks at them.
set(CPACK_DEBIAN_SDK_PACKAGE_DEPENDS "loft (= ${PROJECT_VERSION}), g++, make, cmake (>= 3.25)")
set(CPACK_DEBIAN_SDK_PACKAGE_SUGGESTS catch2)
set(CPACK_COMPONENT_SDK_DESCRIPTION "plugins for the messaging host Loft: headers, templates, tests
What it takes to write message domains, interceptors, push channels, contracts
and storages for Loft: headers, a CMake package, a testing kit, the suite of
storages, and templates for `loft new`.")

include(CPack)
