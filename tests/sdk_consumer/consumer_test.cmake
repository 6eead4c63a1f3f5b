function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "failed (${result}): ${line}")
  endif()
endfunction()

# The plugin must be built as the host is: a sanitizer is part of the fingerprint.
set(flags)
if(SANITIZE STREQUAL "address")
  set(flags -fsanitize=address,undefined)
elseif(SANITIZE STREQUAL "thread")
  set(flags -fsanitize=thread)
endif()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_FLAGS=${flags})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/poll_test)
run(${CMAKE_COMMAND} --install ${WORK}/build --prefix ${WORK}/host)
file(GLOB_RECURSE installed ${WORK}/host/*.so)
list(LENGTH installed count)
if(NOT count EQUAL 2)
  message(FATAL_ERROR "two plugins should be installed, not: ${installed}")
endif()
list(GET installed 0 first)
get_filename_component(folder ${first} DIRECTORY)
run(${LOADER} ${folder})

# The template that the SDK installs is such a project too.
run(${CMAKE_COMMAND} -S ${WORK}/prefix/share/loft/template -B ${WORK}/template -G ${GENERATOR}
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_FLAGS=${flags})
run(${CMAKE_COMMAND} --build ${WORK}/template)
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/template --output-on-failure)
run(${LOADER} ${WORK}/template policy.my_plugin)
