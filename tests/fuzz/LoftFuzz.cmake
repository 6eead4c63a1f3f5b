# loft_add_fuzzer(<name> SOURCES a.cpp … [LIBRARIES crypto …] [INCLUDES dir …])
#
# A libFuzzer target inside a build by GCC: its sources, the code under test among them, are compiled once more by Clang
# with the sanitizers. The target is `fuzz_<name>`, `fuzzers` builds all; neither is part of `all`. The ctest entry
# `fuzz_<name>` has the label `fuzz`, builds what it needs, begins with tests/fuzz/corpus/<name> and runs for
# LOFT_FUZZ_SECONDS (environment, then cache, then 60). An input is given a minute of wall clock, as others use the
# machine too: that finds what hangs. What it finds lies in <build>/fuzz/<name>. Without the compiler the
# entry `fuzz_build` fails and says so; -DLOFT_FUZZ=OFF does without fuzzers on purpose.
option(LOFT_FUZZ "Add the fuzz tests, which take clang++-16" ON)
find_program(LOFT_FUZZ_COMPILER NAMES clang++-16)
set(LOFT_FUZZ_SECONDS 60 CACHE STRING "Seconds each fuzz test runs; the environment variable of that name comes first")
set(LOFT_FUZZ_FOLDER ${CMAKE_CURRENT_LIST_DIR})

if(NOT LOFT_FUZZ)
  message(STATUS "LOFT_FUZZ is OFF: no fuzz tests")
elseif(NOT LOFT_FUZZ_COMPILER)
  add_test(NAME fuzz_build COMMAND sh -c "echo 'clang++-16 is missing, so nothing was fuzzed. Run script/setup test and \
configure again, or configure with -DLOFT_FUZZ=OFF to do without.'; exit 1")
  set_tests_properties(fuzz_build PROPERTIES LABELS fuzz)
elseif(NOT TARGET fuzzers)
  add_custom_target(fuzzers)
  add_test(NAME fuzz_build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target fuzzers)
  set_tests_properties(fuzz_build PROPERTIES LABELS fuzz FIXTURES_SETUP fuzzers TIMEOUT 1800 RESOURCE_LOCK compilers)
endif()

function(loft_add_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES;INCLUDES")
  if(NOT LOFT_FUZZ OR NOT LOFT_FUZZ_COMPILER)
    return()
  endif()
  set(folder ${CMAKE_BINARY_DIR}/fuzz/${name})
  file(MAKE_DIRECTORY ${folder}/found)
  set(flags -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined)
  set(includes)
  foreach(dir IN ITEMS ${CMAKE_SOURCE_DIR}/sdk/include ${CMAKE_SOURCE_DIR}/core ${CMAKE_SOURCE_DIR} LISTS arg_INCLUDES)
    list(APPEND includes -I${dir})
  endforeach()
  set(objects)
  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(path ${source} ABSOLUTE)
    file(RELATIVE_PATH object ${CMAKE_SOURCE_DIR} ${path})
    string(REPLACE "/" "_" object ${object})
    set(object ${folder}/${object}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${LOFT_FUZZ_COMPILER} ${flags} ${includes} -MD -MF ${object}.d -c ${path} -o ${object}
      DEPENDS ${path} DEPFILE ${object}.d VERBATIM COMMENT "Fuzzer ${name}: ${source}")
    list(APPEND objects ${object})
  endforeach()
  list(TRANSFORM arg_LIBRARIES PREPEND -l)
  add_custom_command(OUTPUT ${folder}/fuzz_${name}
    COMMAND ${LOFT_FUZZ_COMPILER} ${flags} ${objects} ${arg_LIBRARIES} -o ${folder}/fuzz_${name}
    DEPENDS ${objects} VERBATIM COMMENT "Linking fuzzer ${name}")
  add_custom_target(fuzz_${name} DEPENDS ${folder}/fuzz_${name})
  add_dependencies(fuzzers fuzz_${name})

  add_test(NAME fuzz_${name} WORKING_DIRECTORY ${folder}
    COMMAND sh -c "exec ./fuzz_${name} -max_total_time=\${LOFT_FUZZ_SECONDS:-${LOFT_FUZZ_SECONDS}} -timeout=60 \
-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=./ found '${LOFT_FUZZ_FOLDER}/corpus/${name}'")
  set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz FIXTURES_REQUIRED fuzzers TIMEOUT 7200)
endfunction()
