# A schema file becomes the same text in C++, whatever is in it, and one that is wrong is named.
file(REMOVE_RECURSE ${WORK})
file(WRITE ${WORK}/CMakeLists.txt "
cmake_minimum_required(VERSION 3.25)
project(schemas LANGUAGES CXX)
include(${MODULE})
loft_schema_header(\${SCHEMA} \${CMAKE_BINARY_DIR})
add_executable(tell tell.cpp)
target_include_directories(tell PRIVATE \${CMAKE_BINARY_DIR})
")
file(WRITE ${WORK}/tell.cpp "#include <cstdio>\n#include \"odd.schema.hpp\"\nint main() { std::fputs(odd_schema, stdout); }\n")
set(odd [==[{"pattern": "^[a-z;]\\d@name@\"$", "title": "鸟 ${x} \u0000", "more": ["[", ";", "]]"]}
]==])
file(WRITE ${WORK}/odd.schema.json "${odd}")
file(WRITE ${WORK}/half.schema.json "{\"type\":")
file(WRITE ${WORK}/ends.schema.json "{\"title\":\")loft_schema\"}")
file(WRITE ${WORK}/Poll.json "{}")

function(configure schema)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
    -DSCHEMA=${schema} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(result ${result} PARENT_SCOPE)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  set(output "${output}" PARENT_SCOPE)
endfunction()

foreach(pair "half.schema.json|is no JSON" "ends.schema.json|which ends its text in C++" "Poll.json|must be named like"
    "gone.schema.json|is missing")
  string(REPLACE "|" ";" pair "${pair}")
  list(GET pair 0 schema)
  list(GET pair 1 words)
  configure(${schema})
  string(FIND "${output}" "${words}" at)
  if(result EQUAL 0 OR at EQUAL -1)
    message(FATAL_ERROR "${schema} gave ${result} and not '${words}':\n${output}")
  endif()
endforeach()

configure(odd.schema.json)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/build/tell OUTPUT_VARIABLE told)
if(NOT told STREQUAL odd)
  message(FATAL_ERROR "the schema\n${odd}\nbecame\n${told}")
endif()
