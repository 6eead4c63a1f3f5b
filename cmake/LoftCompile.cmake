# Flags for everything in this repository; nothing of this reaches users of the SDK.
find_program(LOFT_CCACHE ccache)
if(LOFT_CCACHE)
  # A user without a home has no cache, and every compilation would fail.
  execute_process(COMMAND sh -c "cache=$(\"$0\" -k cache_dir) && mkdir -p \"$cache\" && test -w \"$cache\"" ${LOFT_CCACHE}
    RESULT_VARIABLE ccache_result OUTPUT_QUIET ERROR_QUIET)
  if(NOT ccache_result EQUAL 0)
    message(STATUS "ccache cannot write to its folder and is not used; CCACHE_DIR names another one")
  endif()
endif()
if(LOFT_CCACHE AND ccache_result EQUAL 0)
  # Precompiled headers are hits only when their time stamps and macros may be ignored.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${LOFT_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${LOFT_CCACHE})
endif()

add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
add_compile_options(-Wall -Wextra -Wshadow=local -Wno-missing-field-initializers)
if(LOFT_WERROR)
  add_compile_options(-Werror)
endif()

if(LOFT_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(LOFT_SANITIZE STREQUAL "thread")
  # -Wtsan: GCC does not model fences; none of ours rely on them.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
elseif(NOT LOFT_SANITIZE STREQUAL "")
  message(FATAL_ERROR "LOFT_SANITIZE is '${LOFT_SANITIZE}'; it takes 'address', 'thread' or nothing")
endif()

find_program(LOFT_MOLD mold)
if(LOFT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
