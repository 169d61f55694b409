# SPDX-License-Identifier: GPL-2.0-or-later
# Debian packages, by cpack -G DEB in the build folder: libwhyrst0, libwhyrst-dev, whyrst (the tool)
# and whyrst-wireshark (plugin and profile). dpkg-shlibdeps finds out what they need, so the plugin's
# package depends on the series of Wireshark (libwireshark16 is 4.0) that it was built against.
set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_PACKAGE_VENDOR "whyrst")
set(CPACK_PACKAGE_CONTACT "whyrst maintainers <whyrst@packages.invalid>" CACHE STRING
    "Name and address that the packages carry")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL library development)
foreach(pair whyrst-cli=tool rst=plugin)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 target)
  if(TARGET ${target})
    list(GET pair 1 component)
    list(APPEND CPACK_COMPONENTS_ALL ${component})
  endif()
endforeach()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# The changelog, the copyright file and the man page's compression that Debian wants.
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/debian-files.cmake")

set(library libwhyrst${PROJECT_VERSION_MAJOR})
set(about "It says in which phase of a TCP connection a reset hit (such as the TLS
handshake, or the middle of a response), what caused it, who built it (client,
server or a device between), with the client's JA4 and the evidence.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_LIST_DIR}/triggers")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "library that explains TCP resets\n${about}")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libwhyrst-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library} (= ${PROJECT_VERSION}-1), libglib2.0-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "library that explains TCP resets - development files\n${about}
This package contains the headers.")

set(CPACK_DEBIAN_TOOL_PACKAGE_NAME whyrst)
set(CPACK_COMPONENT_TOOL_DESCRIPTION "command-line tool that explains TCP resets\n${about}
It reads capture files and prints tables, JSON or CSV.")
if(TARGET whyrst-cli)
  # Loaded at run time, if it is there, for formats other than pcap and pcapng.
  get_directory_property(wiretap DIRECTORY cli DEFINITION WIRETAP_SONAME)
  string(REPLACE ".so." "" CPACK_DEBIAN_TOOL_PACKAGE_SUGGESTS "${wiretap}")
endif()

set(CPACK_DEBIAN_PLUGIN_PACKAGE_NAME whyrst-wireshark)
set(CPACK_DEBIAN_PLUGIN_PACKAGE_ENHANCES "wireshark, tshark")
set(CPACK_COMPONENT_PLUGIN_DESCRIPTION "Wireshark plugin that explains TCP resets\n${about}
This package contains the plugin and a configuration profile, \"TCP Resets\".")

include(CPack)
