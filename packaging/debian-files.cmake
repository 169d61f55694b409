# SPDX-License-Identifier: GPL-2.0-or-later
# Run by cpack when the files of every package lie in their staging folders: adds the changelog and
# the copyright file, and compresses manual pages, as Debian's policy asks.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # obeys SOURCE_DATE_EPOCH
string(TIMESTAMP year "%Y" UTC)
# The chart library of the HTML report, in the form that copyright files have.
file(READ "${CMAKE_CURRENT_LIST_DIR}/../cli/page/uplot/LICENSE" uplot_licence)
string(REGEX REPLACE "^[^\n]*\n\n[^\n]*\n\n" "" uplot_licence "${uplot_licence}")
string(REPLACE "\n\n" "\n.\n" uplot_licence "${uplot_licence}")
string(REGEX REPLACE "\n([^\n])" "\n \\1" uplot_licence " ${uplot_licence}")
foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(usr "${CPACK_TEMPORARY_DIRECTORY}/${component}/usr")
  set(doc "${usr}/share/doc/${package}")
  file(WRITE "${doc}/changelog.Debian"
       "whyrst (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
       "  * Built from source by cpack.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
  file(WRITE "${doc}/copyright"
       "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
       "Upstream-Name: whyrst\n\nFiles: *\nCopyright: ${year} the whyrst authors\nLicense: GPL-2.0+\n"
       " On Debian systems, the full text of the GNU General Public License version 2\n"
       " is in /usr/share/common-licenses/GPL-2. Later versions may be used as well.\n"
       "\nFiles: cli/page/uplot/*\nCopyright: 2022 Leon Sorokin\nLicense: Expat\n${uplot_licence}")
  file(GLOB manuals "${usr}/share/man/man*/*.[1-9]")
  execute_process(COMMAND gzip -9nf "${doc}/changelog.Debian" ${manuals} COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE plain "${usr}/share/*" "${usr}/include/*")
  file(CHMOD ${plain} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endforeach()
