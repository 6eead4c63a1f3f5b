# Installs the host into a folder of its own and runs it there, from another folder, with nothing of the build in its way.
set(prefix ${WORK}/prefix)

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "failed (${result}): ${line}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(must_say word)
  string(FIND "${output}" "${word}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "'${word}' is missing in:\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component host --prefix ${prefix})

set(loft ${prefix}/${BINDIR}/loft)
set(config ${prefix}/${DATADIR}/loft/config)
run(${loft} version)
must_say(${VERSION})

# The plugins are those of the prefix, not those of the build.
run(${loft} plugins list --config ${config}/loft.yaml)
foreach(plugin storage.sqlite transport.http contract.im contract.carrypigeon contract.admin)
  must_say(${plugin})
  if(NOT EXISTS ${prefix}/${LIBDIR}/loft/plugins/${plugin}.so)
    message(FATAL_ERROR "${plugin}.so is not installed")
  endif()
endforeach()
file(GLOB foreign ${prefix}/${LIBDIR}/loft/plugins/zoo.* ${prefix}/${LIBDIR}/loft/plugins/bench.*
  ${prefix}/${LIBDIR}/loft/plugins/test.*)
if(foreign)
  message(FATAL_ERROR "plugins of the tests are installed: ${foreign}")
endif()
run(${loft} check --config ${config}/loft.yaml --set data_dir=${WORK}/data)

# Does the check above look into the prefix? Without a plugin it must fail.
file(REMOVE ${prefix}/${LIBDIR}/loft/plugins/contract.im.so)
execute_process(COMMAND ${loft} check --config ${config}/loft.yaml --set data_dir=${WORK}/data
  WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 78)
  message(FATAL_ERROR "without contract.im.so the check gave ${result}, not 78:\n${output}")
endif()

file(READ ${prefix}/lib/systemd/system/loft.service output)
must_say("ExecStart=${loft} serve")
foreach(file ${config}/production.yaml ${prefix}/${DOCDIR}/LICENSE ${prefix}/${DOCDIR}/docs/operating/installation.md)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()
