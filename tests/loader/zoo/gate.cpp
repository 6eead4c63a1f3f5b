// Gates made by hand, wrong in the way that the build names.
#include "zoo.hpp"

#ifndef GATE_SIZE
#define GATE_SIZE sizeof(loft_gate)
#endif
#ifndef GATE_ABI
#define GATE_ABI LOFT_ABI
#endif
#ifndef GATE_FINGERPRINT
#define GATE_FINGERPRINT LOFT_FINGERPRINT
#endif
#ifndef GATE_ID
#define GATE_ID ZOO_ID
#endif

extern "C" __attribute__((visibility("default"))) const loft_gate* loft_plugin_gate() {
#ifdef GATE_NULL
  return nullptr;
#else
  static constexpr loft_gate gate = {GATE_SIZE, GATE_ABI, GATE_FINGERPRINT, GATE_ID, "1", "An odd gate",
#ifdef GATE_EMPTY
                                     nullptr,   nullptr
#else
      []() -> void* { return new loft::Plugin; }, [](void* plugin) { delete static_cast<loft::Plugin*>(plugin); }
#endif
  };
  return &gate;
#endif
}
