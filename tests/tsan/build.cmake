# Configures build/tsan and builds TARGETS there; what the tools print matters only when they fail.
execute_process(COMMAND ${CMAKE_COMMAND} --preset tsan WORKING_DIRECTORY ${SOURCE}
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the preset 'tsan' could not be configured:\n${output}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${FOLDER} --target ${TARGETS} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the build with ThreadSanitizer failed; once more: cmake --build build/tsan --target ${TARGETS}")
endif()
