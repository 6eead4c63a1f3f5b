include(${CMAKE_CURRENT_LIST_DIR}/outside.cmake)

build_outside(${PROJECT} ${WORK}/build)
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
build_outside(${WORK}/prefix/share/loft/template ${WORK}/template)
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/template --output-on-failure)
run(${LOADER} ${WORK}/template policy.my_plugin)
