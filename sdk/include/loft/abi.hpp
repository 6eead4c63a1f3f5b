// The C gate: the only thing the host reads of a library before both sides are known to match.
#pragma once

#include <cstdint>

#define LOFT_ABI 1

// Everything that decides whether C++ types may cross: compiler, its C++ ABI, the string ABI, checked containers and
// sanitizers (which change layouts or need a runtime in the host). No Boost type crosses, so Boost is not part of it.
#define LOFT_TEXT_(x) #x
#define LOFT_TEXT(x) LOFT_TEXT_(x)
#if defined(__clang__)
#define LOFT_COMPILER_ "clang " LOFT_TEXT(__clang_major__)
#elif defined(__GNUC__)
#define LOFT_COMPILER_ "gcc " LOFT_TEXT(__GNUC__)
#else
#error "Loft plugins are built with GCC or Clang"
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LOFT_SANITIZER_ "address"
#elif defined(__SANITIZE_THREAD__)
#define LOFT_SANITIZER_ "thread"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOFT_SANITIZER_ "address"
#elif __has_feature(thread_sanitizer)
#define LOFT_SANITIZER_ "thread"
#endif
#endif
#ifndef LOFT_SANITIZER_
#define LOFT_SANITIZER_ "none"
#endif
#ifdef _GLIBCXX_DEBUG
#define LOFT_CHECKED_ "1"
#else
#define LOFT_CHECKED_ "0"
#endif
#define LOFT_FINGERPRINT                                                                \
  LOFT_COMPILER_ "; c++abi " LOFT_TEXT(__GXX_ABI_VERSION) "; cxx11 strings " LOFT_TEXT( \
      _GLIBCXX_USE_CXX11_ABI) "; checked containers " LOFT_CHECKED_ "; sanitizer " LOFT_SANITIZER_

extern "C" {

/// Plain data. `size`, `abi` and `fingerprint` keep their places for ever; the rest is read only after those match.
struct loft_gate {
  std::uint32_t size;       ///< sizeof(loft_gate) of the plugin's SDK
  std::uint32_t abi;        ///< LOFT_ABI of the plugin's SDK
  const char* fingerprint;  ///< LOFT_FINGERPRINT of the plugin's build
  const char* id;           ///< `<kind>.<name>`, the same as the file's name without `.so`
  const char* version;      ///< the plugin's own version, free text
  const char* description;  ///< one line for `loft plugins list`
  void* (*create)();        ///< makes a `loft::Plugin`, without effects; null when memory is short
  void (*destroy)(void*);   ///< ends what `create` made
};

/// The one symbol a plugin exports.
using loft_gate_function = const loft_gate* (*)();
}

/// Defines the gate of a plugin class, once per library, at namespace scope.
#define LOFT_PLUGIN(Class, Id, Version, Description)                                                       \
  extern "C" __attribute__((visibility("default"))) const loft_gate* loft_plugin_gate() {                  \
    static constexpr loft_gate gate = {sizeof(loft_gate),                                                  \
                                       LOFT_ABI,                                                           \
                                       LOFT_FINGERPRINT,                                                   \
                                       Id,                                                                 \
                                       Version,                                                            \
                                       Description,                                                        \
                                       []() -> void* { return static_cast<::loft::Plugin*>(new Class); },  \
                                       [](void* plugin) { delete static_cast<::loft::Plugin*>(plugin); }}; \
    return &gate;                                                                                          \
  }
