// Gates made by hand, wrong in the way that the build names.
#include "zoo.hpp"

#ifndef LOFT_GATE_SIZE
#define LOFT_GATE_SIZE sizeof(loft_gate)
#endif
#ifndef LOFT_GATE_ABI
#define LOFT_GATE_ABI LOFT_ABI
#endif
#ifndef LOFT_GATE_FINGERPRINT
#define LOFT_GATE_FINGERPRINT LOFT_FINGERPRINT
#endif
#ifndef LOFT_GATE_ID
#define LOFT_GATE_ID ZOO_ID
#endif

extern "C" __attribute__((visibility("default"))) const loft_gate* loft_plugin_gate() {
#ifdef LOFT_GATE_NULL
  return nullptr;
#else
  static constexpr loft_gate gate = {LOFT_GATE_SIZE, LOFT_GATE_ABI, LOFT_GATE_FINGERPRINT,
                                     LOFT_GATE_ID,   "1",           "An odd gate",
#ifdef LOFT_GATE_EMPTY
                                     nullptr,        nullptr
#else
      []() -> void* { return new loft::Plugin; }, [](void* plugin) { delete static_cast<loft::Plugin*>(plugin); }
#endif
  };
  return &gate;
#endif
}
