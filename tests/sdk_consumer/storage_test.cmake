# A storage of somebody else's keeps the same contract as those of this project: built against the installed SDK, it
# passes the suite that comes with it, and it is a plugin that the loader takes.
include(${CMAKE_CURRENT_LIST_DIR}/outside.cmake)

build_outside(${PROJECT} ${WORK}/build)
run(${WORK}/build/suite)
run(${LOADER} ${WORK}/build storage.acme_memory)
